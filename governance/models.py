"""The tables of the kernel: holds, the epoch, change requests, the audit trail, jobs and the outbox."""

from __future__ import annotations

import datetime as dt
from typing import ClassVar

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import Q

from governance import happenings  # noqa: F401 -- a table of the kernel's, which Django finds by way of here
from governance.appendonly import AppendOnly
from governance.rows import Row

EVERYTHING = "*"


class HoldQuerySet(models.QuerySet["Hold"]):
    """Questions about holds."""

    def standing(self, at: dt.datetime) -> HoldQuerySet:
        """Return the holds that have begun and not ended at ``at``."""
        begun = Q(starts_at__isnull=True) | Q(starts_at__lte=at)
        return self.filter(begun, Q(until__isnull=True) | Q(until__gt=at))


class Hold(models.Model):
    """A scope that must not act, why, and since when."""

    scope = models.CharField(max_length=64, help_text="The engine that must not act, or * for everything.")
    source = models.CharField(max_length=64, help_text="The lever that placed the hold and alone lifts it.")
    code = models.CharField(max_length=64, help_text="The reason as machines read it, such as kill_switch_engaged.")
    key = models.CharField(
        max_length=160, blank=True, help_text="Which of the lever's rows, such as WHOLESALE.contract_rate."
    )
    reason = models.TextField(blank=True, help_text="The reason as people read it.")
    rank = models.PositiveSmallIntegerField(
        default=50, help_text="Of several holds the one with the lowest rank names the refusal."
    )
    enforced_only = models.BooleanField(
        default=False, help_text="Counts only where enforcement is on (go-live and the kill switch)."
    )
    pins = models.CharField(
        max_length=160, blank=True, help_text="The control that cannot be loosened while this hold stands."
    )
    since = models.DateTimeField(help_text="When the hold was placed (UTC).")
    starts_at = models.DateTimeField(null=True, blank=True, help_text="When it begins (UTC); empty: at once.")
    until = models.DateTimeField(null=True, blank=True, help_text="When it ends by itself (UTC); empty: never.")

    objects = HoldQuerySet.as_manager()

    class Meta:
        db_table = "hold"
        ordering: ClassVar = ["rank", "since", "pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["scope", "source", "code", "key"], name="hold_once"),
            models.CheckConstraint(condition=~Q(scope="") & ~Q(code=""), name="hold_names_scope_and_code"),
        ]
        indexes: ClassVar = [models.Index(fields=["pins"], name="hold_pins")]

    def __str__(self) -> str:
        """Return the hold in one line."""
        return f"{self.scope}: {self.code}"

    def stands(self, at: dt.datetime) -> bool:
        """Say whether it has begun and not ended at ``at``."""
        return (self.starts_at is None or self.starts_at <= at) and (self.until is None or self.until > at)


class Epoch(models.Model):
    """A number that grows with every change of the go-live switches: who was admitted before can be told."""

    value = models.PositiveBigIntegerField(default=1, help_text="Grows by one with every change; never shrinks.")

    class Meta:
        db_table = "governance_epoch"
        verbose_name_plural = "epoch"
        constraints: ClassVar = [models.CheckConstraint(condition=Q(pk=1), name="epoch_is_one_row")]

    def __str__(self) -> str:
        """Return the number."""
        return str(self.value)


class ChangeRequestQuerySet(models.QuerySet["ChangeRequest"]):
    """Questions about change requests."""

    def broken(self) -> ChangeRequestQuerySet:
        """Return those that were applied by breaking the glass, and that nobody else has looked at."""
        return self.filter(status=ChangeRequest.Status.FORCED, looked_at__isnull=True)


class ChangeRequest(Row):
    """A loosening change that waits for a second person."""

    class Status(models.TextChoices):
        """How it stands; every status but PENDING is final."""

        PENDING = "PENDING", "pending"
        APPLIED = "APPLIED", "applied"
        REJECTED = "REJECTED", "rejected"
        WITHDRAWN = "WITHDRAWN", "withdrawn"
        STALE = "STALE", "stale: the target changed meanwhile"
        EXPIRED = "EXPIRED", "expired"
        REFUSED = "REFUSED", "refused when it was to be applied"
        FORCED = "FORCED", "applied by breaking the glass"

    action = models.CharField(max_length=64, help_text="The named action, such as risk.policy.set.")
    target = models.CharField(max_length=160, blank=True, help_text="What it changes, such as WHOLESALE.")
    patch = models.JSONField(encoder=DjangoJSONEncoder, help_text="The fields that it sets.")
    before = models.JSONField(
        encoder=DjangoJSONEncoder, null=True, help_text="The target's fields when it was proposed."
    )
    reason = models.TextField(help_text="Why it is proposed.")
    requested_by = models.CharField(max_length=150, help_text="Who proposed it, and may not approve it.")
    requested_at = models.DateTimeField(help_text="When it was proposed (UTC).")
    expires_at = models.DateTimeField(help_text="When it dies unapproved (UTC).")
    status = models.CharField(max_length=16, choices=Status.choices, default=Status.PENDING, help_text="How it stands.")
    decided_by = models.CharField(max_length=150, blank=True, help_text="Who approved, rejected or withdrew it.")
    decided_at = models.DateTimeField(null=True, blank=True, help_text="When that was (UTC).")
    decision_reason = models.TextField(blank=True, help_text="Why it was decided so.")
    looked_at = models.DateTimeField(null=True, blank=True, help_text="When another looked at a broken glass (UTC).")
    looked_at_by = models.CharField(max_length=150, blank=True, help_text="Who that was.")

    objects = ChangeRequestQuerySet.as_manager()

    class Meta:
        db_table = "change_request"
        ordering: ClassVar = ["-pk"]
        indexes: ClassVar = [models.Index(fields=["status", "-id"], name="change_by_status")]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(status="PENDING", decided_at__isnull=True)
                | (~Q(status="PENDING") & Q(decided_at__isnull=False)),
                name="change_decided_has_time",
            ),
            models.CheckConstraint(
                condition=~Q(status="APPLIED") | ~Q(decided_by=models.F("requested_by")),
                name="change_applied_by_another",
            ),
        ]

    def __str__(self) -> str:
        """Return the change in one line."""
        return f"#{self.pk} {self.action} {self.target}".rstrip()


class AuditEvent(AppendOnly):
    """One thing that a person changed, approved or attempted, or that a tripwire pulled. Appended, never edited."""

    class Outcome(models.TextChoices):
        """What came of it."""

        APPLIED = "APPLIED", "applied"
        PROPOSED = "PROPOSED", "proposed"
        APPROVED = "APPROVED", "approved"
        REJECTED = "REJECTED", "rejected"
        WITHDRAWN = "WITHDRAWN", "withdrawn"
        STALE = "STALE", "stale"
        EXPIRED = "EXPIRED", "expired"
        REFUSED = "REFUSED", "refused"
        BROKE_GLASS = "BROKE_GLASS", "applied by breaking the glass"
        LOOKED_AT = "LOOKED_AT", "broken glass looked at"

    at = models.DateTimeField(help_text="When (UTC).")
    actor = models.CharField(max_length=150, help_text="Who: the authenticated user, or the name given in open mode.")
    on_behalf_of = models.CharField(max_length=150, blank=True, help_text="The other actor whom the body named.")
    action = models.CharField(max_length=64, help_text="The named action.")
    target = models.CharField(max_length=160, blank=True, help_text="What it changed.")
    outcome = models.CharField(max_length=16, choices=Outcome.choices, help_text="What came of it.")
    before = models.JSONField(encoder=DjangoJSONEncoder, null=True, help_text="The target before.")
    after = models.JSONField(encoder=DjangoJSONEncoder, null=True, help_text="The target after, or what was asked.")
    reason = models.TextField(blank=True, help_text="Why.")
    via = models.CharField(max_length=16, help_text="Way in: api, console, command, scheduler, tripwire or service.")
    address = models.CharField(max_length=64, blank=True, help_text="The caller's network address.")
    request_id = models.CharField(max_length=64, blank=True, help_text="The request's id, the same in the logs.")
    change_request = models.ForeignKey(
        ChangeRequest, null=True, blank=True, on_delete=models.PROTECT, help_text="The approved change, if any."
    )

    class Meta:
        db_table = "audit_event"
        ordering: ClassVar = ["-pk"]
        indexes: ClassVar = [
            models.Index(fields=["action", "target", "-id"], name="audit_by_target"),
            models.Index(fields=["actor", "-id"], name="audit_by_actor"),
            models.Index(fields=["tx", "id"], name="audit_in_order"),
            models.Index(fields=["at"], name="audit_by_time"),
            models.Index(fields=["target", "-id"], name="audit_of_target"),
            models.Index(fields=["request_id"], name="audit_by_request", condition=~Q(request_id="")),
        ]

    def __str__(self) -> str:
        """Return the event in one line."""
        return f"{self.actor} {self.action} {self.target} {self.outcome}"


class ReviewDecision(AppendOnly):
    """What a review ended in: by whom, when, over which time, and what stood to be looked at. Never edited."""

    class Verdict(models.TextChoices):
        """What the review found."""

        HEALTHY = "HEALTHY", "healthy"
        WATCH = "WATCH", "watch"
        INTERVENE = "INTERVENE", "intervene"

    at = models.DateTimeField(help_text="When it was decided (UTC).")
    period_start = models.DateTimeField(help_text="The start of the time that was looked at (UTC).")
    period_end = models.DateTimeField(help_text="The end of the time that was looked at (UTC).")
    verdict = models.CharField(max_length=16, choices=Verdict.choices, help_text="What the review found.")
    note = models.TextField(help_text="Why, and what is to be done.")
    decided_by = models.CharField(max_length=150, help_text="Who decided.")
    alarms = models.JSONField(encoder=DjangoJSONEncoder, help_text="What stood to be looked at, in words.")

    class Meta:
        db_table = "review_decision"
        ordering: ClassVar = ["-pk"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(verdict__in=["HEALTHY", "WATCH", "INTERVENE"]), name="review_verdict_is_known"
            ),
            models.CheckConstraint(condition=~Q(note="") & ~Q(decided_by=""), name="review_says_who_and_why"),
            models.CheckConstraint(condition=Q(period_start__lt=models.F("period_end")), name="review_period_in_order"),
        ]

    def __str__(self) -> str:
        """Return the decision in one line."""
        return f"{self.at:%Y-%m-%d} {self.get_verdict_display()}, by {self.decided_by}"


class JobRun(Row):
    """How the last run of a job went; one row a job, written by whoever ran it."""

    class Outcome(models.TextChoices):
        """How it ended."""

        RUNNING = "RUNNING", "running"
        DONE = "DONE", "done"
        FAILED = "FAILED", "failed"

    name = models.CharField(max_length=64, unique=True, help_text="The job.")
    outcome = models.CharField(
        max_length=8, choices=Outcome.choices, default=Outcome.RUNNING, help_text="How it ended, if it has."
    )
    started_at = models.DateTimeField(help_text="When it was started last (UTC, the database's clock).")
    ended_at = models.DateTimeField(null=True, blank=True, help_text="When that run ended (UTC).")
    detail = models.TextField(blank=True, help_text="What it did, or the error that it failed with.")
    failures = models.PositiveIntegerField(default=0, help_text="Runs in a row that failed.")

    class Meta:
        db_table = "job_run"
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(outcome="RUNNING", ended_at__isnull=True)
                | (~Q(outcome="RUNNING") & Q(ended_at__isnull=False)),
                name="job_run_ended_has_time",
            ),
        ]

    def __str__(self) -> str:
        """Return the run in one line."""
        return f"{self.name} {self.outcome}"

    @property
    def took(self) -> dt.timedelta | None:
        """Return how long the run took; None while it runs."""
        return None if self.ended_at is None else self.ended_at - self.started_at


class Seal(AppendOnly):
    """A batch of the trail, made unchangeable: each seal is hashed over its text, which names the one before."""

    chain = models.PositiveIntegerField(help_text="The chain; a restored database begins a new one.")
    number = models.PositiveBigIntegerField(help_text="Its place in the chain, from 1 without a gap.")
    previous = models.CharField(max_length=64, help_text="The hash of the seal before; of the first, the old chain's.")
    text = models.TextField(help_text="What is sealed: boundaries, counts and each row's SHA-256, as JSON.")
    hash = models.CharField(max_length=64, unique=True, help_text="SHA-256 of the text, in hexadecimal.")
    rows = models.PositiveIntegerField(help_text="How many rows it seals.")
    sealed_at = models.DateTimeField(help_text="When (UTC, the database's clock).")

    class Meta:
        db_table = "audit_seal"
        ordering: ClassVar = ["-chain", "-number"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["chain", "number"], name="seal_once"),
            models.CheckConstraint(condition=Q(chain__gte=1, number__gte=1), name="seal_is_numbered"),
        ]

    def __str__(self) -> str:
        """Return the seal in one line."""
        return f"{self.chain}.{self.number} {self.hash[:12]}"
