"""Policies, the daily ledger, reservations and the decisions' events. Money is in minor units (BIGINT)."""

from __future__ import annotations

import datetime as dt
from typing import Any, ClassVar

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import F, Q

from governance import rows
from governance.appendonly import LeverEvent
from governance.database import locking
from governance.ending import Overridable, has_end
from governance.money import MAX_MINOR, MinorUnitsField, to_units, validate_minor
from governance.retiring import Retirable
from governance.rows import Row
from riskguard import rules
from riskguard.rules import CAPS, GLOBAL, Caps, Usage

# Every money path begins with it: to make it of a queryset takes five times as long as to run it.
_LEVELS = "SELECT * FROM risk_policy WHERE engine IN ({}) ORDER BY engine <> 'GLOBAL', engine"
MONEY_CAPS = ("max_daily_loss", "max_daily_exposure", "max_open_risk", "max_amount_per_action")


def _money_cap(what: str) -> MinorUnitsField:
    text = f"{what}, in minor units (25000 is 250.00). Empty: no cap. 0: nothing is allowed."
    return MinorUnitsField(null=True, blank=True, default=0, validators=[validate_minor], help_text=text)


def _count_cap(what: str) -> models.BigIntegerField[int | None, int | None]:
    return models.BigIntegerField(
        null=True, blank=True, default=0, help_text=f"{what}. Empty: no cap. 0: nothing is allowed."
    )


class RiskPolicyQuerySet(models.QuerySet["RiskPolicy"]):
    """Questions about policies."""

    def locked(self, *engines: str) -> dict[str, RiskPolicy]:
        """Lock and return the policies of ``engines`` that exist, in the one written order: GLOBAL, then by name."""
        return _by_engine(locking(_LEVELS.format(", ".join(["%s"] * len(engines)))), engines)

    def read(self, *engines: str) -> dict[str, RiskPolicy]:
        """Return the same without a lock, for what changes nothing."""
        return _by_engine(_LEVELS.format(", ".join(["%s"] * len(engines))), engines)


def _by_engine(sql: str, engines: tuple[str, ...]) -> dict[str, RiskPolicy]:
    return {row.engine: row for row in rows.selected(RiskPolicy, sql, engines)}


class RiskPolicy(Overridable, Retirable):
    """The caps of one engine, or of GLOBAL over all. New rows allow nothing and are disabled."""

    ENDING: ClassVar = rules.ENDING
    is_looser = staticmethod(rules.is_looser)

    engine = models.CharField(max_length=64, unique=True, help_text="The engine, or GLOBAL for all together.")
    max_daily_loss = _money_cap("Most that may be lost in a UTC day")
    max_daily_exposure = _money_cap("Most that may be reserved in a UTC day")
    max_open_risk = _money_cap("Most that may be open (reserved, not settled) at one time")
    max_amount_per_action = _money_cap("Most that one action may reserve")
    max_actions_per_day = _count_cap("Most reservations in a UTC day")
    max_actions_per_minute = _count_cap("Most reservations in any 60 seconds")
    enabled = models.BooleanField(default=False, help_text="Whether the engine may reserve at all.")
    until = models.DateTimeField(
        null=True, blank=True,
        help_text="When what was loosened goes back to how it stood, or a throttle is looked at again (UTC).",
    )  # fmt: skip
    changed_by = models.CharField(max_length=150, default="seed", help_text="Who changed it last.")
    reason = models.TextField(blank=True, help_text="Why.")
    created_at = models.DateTimeField(help_text="When the policy was created (UTC).")
    updated_at = models.DateTimeField(help_text="When it was changed last (UTC).")

    objects = RiskPolicyQuerySet.as_manager()

    class Meta:
        db_table = "risk_policy"
        verbose_name_plural = "risk policies"
        ordering: ClassVar = ["engine"]
        constraints: ClassVar = [
            *(
                models.CheckConstraint(
                    condition=Q(**{f"{cap}__isnull": True}) | Q(**{f"{cap}__gte": 0, f"{cap}__lte": MAX_MINOR}),
                    name=f"risk_{cap}_in_range",
                )
                for cap in CAPS
            ),
            models.CheckConstraint(
                condition=Q(retired_at__isnull=True) | (Q(enabled=False) & ~Q(engine=GLOBAL)),
                name="risk_policy_retired_is_off",
            ),
            has_end("risk_policy_falls_back_at_an_end"),
        ]

    def __str__(self) -> str:
        """Return the engine."""
        return self.engine

    def caps(self) -> Caps:
        """Return the limits, in minor units."""
        return Caps(**{cap: getattr(self, cap) for cap in CAPS})

    def snapshot(self) -> dict[str, Any]:
        """Return the controls in currency units."""
        caps = {cap: getattr(self, cap) for cap in CAPS}
        controls = {**_in_units(caps), "enabled": self.enabled, **self.end(), "retired": self.retired}
        return {**controls, "falls_back_to": _in_units(self.fallback)} if self.fallback else controls

    def is_reminded(self) -> bool:
        """Say that a throttle with an end stays one: to enable it takes people, whom the end asks to look."""
        return not self.enabled


def _in_units(controls: dict[str, Any]) -> dict[str, Any]:
    return {name: to_units(value) if name in MONEY_CAPS else value for name, value in controls.items()}


class RiskLedgerDay(models.Model):
    """What one engine, or GLOBAL, has taken on one UTC day."""

    day = models.DateField(help_text="The UTC day.")
    engine = models.CharField(max_length=64, help_text="The engine, or GLOBAL.")
    exposure_used = MinorUnitsField(default=0, help_text="Reserved today and not released, in minor units.")
    open_risk_reserved = MinorUnitsField(
        default=0, help_text="Open at the end of the day, from whatever day, in minor units."
    )
    realized_loss = MinorUnitsField(default=0, help_text="Losses that were settled today, in minor units.")
    actions_count = models.BigIntegerField(default=0, help_text="Reservations granted today, released ones too.")

    class Meta:
        db_table = "risk_ledger_day"
        verbose_name = "risk ledger day"
        ordering: ClassVar = ["-day", "engine"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["engine", "day"], name="risk_ledger_once_a_day"),
            *(
                models.CheckConstraint(condition=Q(**{f"{name}__gte": 0}), name=f"risk_ledger_{name}_not_negative")
                for name in ("exposure_used", "open_risk_reserved", "realized_loss", "actions_count")
            ),
        ]

    def __str__(self) -> str:
        """Return the row's key."""
        return f"{self.engine} {self.day}"

    def usage(self, actions_last_minute: int = 0) -> Usage:
        """Return the counters, in minor units."""
        return Usage(
            self.exposure_used, self.open_risk_reserved, self.realized_loss, self.actions_count, actions_last_minute
        )


class RiskReservation(Row):
    """Exposure that an engine has taken before it acts. It resolves once."""

    class Status(models.TextChoices):
        """How it stands; an EXPIRED one may still be settled, once."""

        OPEN = "OPEN", "open"
        SETTLED = "SETTLED", "settled"
        RELEASED = "RELEASED", "released"
        EXPIRED = "EXPIRED", "expired"

    engine = models.CharField(max_length=64, help_text="The engine that acts.")
    amount = MinorUnitsField(help_text="Reserved, in minor units.")
    currency = models.CharField(max_length=3, help_text="The currency of the amount.")
    day = models.DateField(help_text="The UTC day whose exposure it counts in.")
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.OPEN, help_text="How it stands.")
    actor = models.CharField(max_length=150, help_text="Who reserved; the idempotency key is theirs.")
    # NULL is no key, of which there may be many; an empty text would be one key.
    idempotency_key = models.CharField(  # noqa: DJ001
        max_length=255, null=True, blank=True, help_text="The caller's key: the same key is the same reservation."
    )
    body_digest = models.CharField(max_length=64, help_text="SHA-256 of the request, to tell a retry from a misuse.")
    correlation_id = models.CharField(max_length=64, blank=True, help_text="The engine's own id of the action.")
    epoch = models.PositiveBigIntegerField(help_text="The switches' epoch when it was granted.")
    created_at = models.DateTimeField(help_text="When it was granted (UTC, the database's clock).")
    expires_at = models.DateTimeField(help_text="When it expires unless it is resolved (UTC).")
    closed_at = models.DateTimeField(null=True, blank=True, help_text="When its open risk was given back (UTC).")
    closed_day = models.DateField(null=True, blank=True, help_text="The ledger day on which that was.")
    realized_loss = MinorUnitsField(null=True, blank=True, help_text="The loss it was settled with, in minor units.")
    settled_day = models.DateField(null=True, blank=True, help_text="The UTC day that the loss counts in.")
    resolved_by = models.CharField(max_length=150, blank=True, help_text="Who settled, released or expired it.")
    needs_review = models.BooleanField(
        default=False, help_text="It expired unresolved: find out whether the action happened, and settle it."
    )

    class Meta:
        db_table = "risk_reservation"
        ordering: ClassVar = ["-pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["actor", "idempotency_key"], name="risk_reservation_key_once"),
            models.CheckConstraint(
                condition=Q(amount__gte=1, amount__lte=MAX_MINOR), name="risk_reservation_amount_in_range"
            ),
            models.CheckConstraint(condition=~Q(engine=GLOBAL), name="risk_reservation_of_an_engine"),
            models.CheckConstraint(
                condition=Q(status="OPEN", closed_day__isnull=True, closed_at__isnull=True)
                | (~Q(status="OPEN") & Q(closed_day__isnull=False, closed_at__isnull=False)),
                name="risk_reservation_open_or_closed",
            ),
            models.CheckConstraint(
                condition=Q(status="SETTLED", realized_loss__gte=0, settled_day__isnull=False)
                | (~Q(status="SETTLED") & Q(realized_loss__isnull=True, settled_day__isnull=True)),
                name="risk_reservation_settled_has_loss",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["engine", "created_at"], name="risk_reservation_recent"),
            models.Index(fields=["created_at"], name="risk_reservation_recent_all"),
            models.Index(fields=["expires_at"], name="risk_reservation_overdue", condition=Q(status="OPEN")),
            models.Index(fields=["-id"], name="risk_reservation_open", condition=Q(status="OPEN")),
            models.Index(fields=["day", "engine"], name="risk_reservation_by_day"),
            models.Index(fields=["expires_at"], name="risk_reservation_unresolved", condition=Q(needs_review=True)),
            models.Index(
                fields=["correlation_id"], name="risk_reservation_correlated", condition=~Q(correlation_id="")
            ),
        ]

    def __str__(self) -> str:
        """Return the reservation in one line."""
        return f"#{self.pk} {self.engine} {self.status}"


class RiskEvent(LeverEvent):
    """One decision of the risk guard, with its figures. Appended; nothing updates or deletes it."""

    class Kind(models.TextChoices):
        """What was decided."""

        RESERVE = "RESERVE", "reserve"
        DENY = "DENY", "deny"
        SETTLE = "SETTLE", "settle"
        RELEASE = "RELEASE", "release"
        EXPIRE = "EXPIRE", "expire"

    at = models.DateTimeField(help_text="When (UTC, the database's clock).")
    day = models.DateField(help_text="The ledger day that open risk, loss and actions count in.")
    kind = models.CharField(max_length=8, choices=Kind.choices, help_text="What was decided.")
    engine = models.CharField(max_length=64, help_text="The engine.")
    reservation = models.ForeignKey(
        RiskReservation, null=True, blank=True, on_delete=models.PROTECT, help_text="The reservation, if there is one."
    )
    amount = MinorUnitsField(help_text="The amount asked for or reserved, in minor units.")
    reason = models.CharField(max_length=64, help_text="reserved, or what refused, or the reservation's new status.")
    policy = models.CharField(max_length=64, blank=True, help_text="The policy that refused: GLOBAL or the engine.")
    cap = models.CharField(max_length=32, blank=True, help_text="The cap that refused.")
    limit = models.BigIntegerField(null=True, help_text="That cap's limit, in minor units or actions.")
    used = models.BigIntegerField(null=True, help_text="What was used of it.")
    exposure_day = models.DateField(help_text="The ledger day that the exposure counts in.")
    exposure_delta = models.BigIntegerField(default=0, help_text="Change of exposure_used, in minor units.")
    open_risk_delta = models.BigIntegerField(default=0, help_text="Change of open_risk_reserved, in minor units.")
    loss_delta = models.BigIntegerField(default=0, help_text="Change of realized_loss, in minor units.")
    actions_delta = models.BigIntegerField(default=0, help_text="Change of actions_count.")
    figures = models.JSONField(
        encoder=DjangoJSONEncoder, default=dict, help_text="Caps and counters of each level after the decision."
    )
    actor = models.CharField(max_length=150, help_text="Who asked.")
    correlation_id = models.CharField(max_length=64, blank=True, help_text="The engine's own id of the action.")

    class Meta:
        db_table = "risk_event"
        ordering: ClassVar = ["-pk"]
        indexes: ClassVar = [
            models.Index(fields=["tx", "id"], name="risk_event_in_order"),
            models.Index(fields=["engine", "-id"], name="risk_event_by_engine"),
            models.Index(fields=["day", "engine"], name="risk_event_by_day"),
            models.Index(fields=["at"], name="risk_event_by_time"),
            models.Index(fields=["reason", "at"], name="risk_event_refusals", condition=Q(kind="DENY")),
            models.Index(fields=["correlation_id"], name="risk_event_correlated", condition=~Q(correlation_id="")),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=~Q(kind="DENY") | Q(exposure_delta=0, open_risk_delta=0, loss_delta=0, actions_delta=0),
                name="risk_event_denial_takes_nothing",
            ),
            models.CheckConstraint(
                condition=~Q(kind="RESERVE") | Q(exposure_delta=F("amount"), open_risk_delta=F("amount")),
                name="risk_event_reserve_takes_amount",
            ),
        ]

    def __str__(self) -> str:
        """Return the event in one line."""
        return f"{self.kind} {self.engine} {self.reason}"


def utc_day(moment: dt.datetime) -> dt.date:
    """Return the UTC day of an aware ``moment``."""
    return moment.astimezone(dt.UTC).date()
