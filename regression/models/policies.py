"""What tripwires are asked to do: their policies, and the baselines that people pin."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, ClassVar

from django.db import models
from django.db.models import F, Q

from governance.ending import Overridable, has_end
from governance.retiring import Retirable
from regression import rules
from regression.limits import LEAST_BASELINE, LEAST_RUN, LEAST_UNITS, MAX_BASELINE, MAX_BLOCK, MAX_RUN, MOST_ERROR
from regression.models import columns
from regression.rules import CONTROLS, MAX_EVENTS, MAX_VALUE, Terms
from regression.sequential import Settings
from regression.units import Scale

_WORDS = {"action", "mode", "detector", "baseline_kind"}


class RegressionPolicy(Overridable, Retirable):
    """When a drop of one metric pulls a lever. New rows are disabled."""

    ENDING: ClassVar = rules.ENDING
    is_looser = staticmethod(rules.is_looser)

    class Action(models.TextChoices):
        """What a trip does."""

        THROTTLE = rules.THROTTLE, "disable the domain's risk policy"
        KILL_SWITCH = rules.KILL_SWITCH, "engage the kill switch"

    class Mode(models.TextChoices):
        """Whether a trip does it."""

        ENFORCE = rules.ENFORCE, "pull the lever"
        SHADOW = rules.SHADOW, "record what it would have done, and pull nothing"

    class Detector(models.TextChoices):
        """How a drop is found."""

        WINDOW = rules.WINDOW, "the last events against the baseline"
        SEQUENTIAL = rules.SEQUENTIAL, "evidence that may be looked at after every event"

    class BaselineKind(models.TextChoices):
        """What the present is compared with."""

        ROLLING = rules.ROLLING, "the events before the window"
        PINNED = rules.PINNED, "the baseline that a person has pinned"

    domain = columns.domain()
    metric = columns.metric()
    window_events = models.PositiveIntegerField(default=50, help_text="Most events of the current window.")
    baseline_events = models.PositiveIntegerField(default=200, help_text="Most events of the baseline before it.")
    min_events_to_enforce = models.PositiveIntegerField(
        default=50, help_text="Events that both windows must hold before it can trigger."
    )
    max_drop_fraction = models.DecimalField(
        max_digits=7, decimal_places=6, default=Decimal("0.2"),
        help_text="The drop that triggers, as a share of the baseline: 0.2 is a fifth of it.",
    )  # fmt: skip
    action = models.CharField(
        max_length=16, choices=Action.choices, default=Action.THROTTLE, help_text="What a trip does."
    )
    enabled = models.BooleanField(default=False, help_text="Whether it watches. Enabling it arms it.")
    mode = models.CharField(
        max_length=16, choices=Mode.choices, default=Mode.ENFORCE, db_default=Mode.ENFORCE,
        help_text="ENFORCE pulls the lever; SHADOW opens an incident of what it would have done, and pulls nothing.",
    )  # fmt: skip
    detector = models.CharField(
        max_length=16, choices=Detector.choices, default=Detector.WINDOW, db_default=Detector.WINDOW,
        help_text="WINDOW compares the last events with the baseline; SEQUENTIAL has a known false-alarm rate.",
    )  # fmt: skip
    baseline_kind = models.CharField(
        max_length=16, choices=BaselineKind.choices, default=BaselineKind.ROLLING, db_default=BaselineKind.ROLLING,
        help_text="ROLLING: the events before the window. PINNED: the baseline that a person has pinned.",
    )  # fmt: skip
    baseline_size = models.PositiveIntegerField(
        default=1_000, db_default=1_000, help_text="How many events the next pinned baseline takes."
    )
    block_events = models.PositiveIntegerField(
        default=1,
        db_default=1,
        help_text="Of the next pinned baseline: how many events are one observation of SEQUENTIAL, by their mean.",
    )
    value_low = models.FloatField(
        default=0, db_default=0, help_text="Of the next pinned baseline: the least value; less counts as this."
    )
    value_high = models.FloatField(
        default=1,
        db_default=1,
        help_text="Of the next pinned baseline: the largest value; a higher one counts as this.",
    )
    beta = columns.share(
        "0.025", "Of the next pinned baseline: the probability that its lower bound is above the true rate."
    )
    run_length = models.PositiveIntegerField(
        default=20_000,
        db_default=20_000,
        help_text="SEQUENTIAL with THROTTLE: the least events between two false alarms, on average.",
    )
    alpha = columns.share(
        "0.01", "SEQUENTIAL with KILL_SWITCH: the probability that its first arming ever trips falsely."
    )
    pinning = models.BooleanField(
        default=False, db_default=False, editable=False, help_text="Whether a new baseline is being taken."
    )
    changed_by = models.CharField(max_length=150, default="seed", help_text="Who changed it last.")
    reason = models.TextField(blank=True, help_text="Why.")
    created_at = models.DateTimeField(help_text="When the policy was created (UTC).")
    updated_at = models.DateTimeField(help_text="When it was changed last (UTC).")

    class Meta:
        db_table = "regression_policy"
        verbose_name_plural = "regression policies"
        ordering: ClassVar = ["domain", "metric"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["domain", "metric"], name="regression_policy_once"),
            models.CheckConstraint(condition=~Q(domain="") & ~Q(metric=""), name="regression_policy_is_named"),
            models.CheckConstraint(
                condition=Q(retired_at__isnull=True) | Q(enabled=False), name="regression_policy_retired_is_off"
            ),
            models.CheckConstraint(
                condition=Q(window_events__gte=1, window_events__lte=MAX_EVENTS), name="regression_window_in_range"
            ),
            models.CheckConstraint(
                condition=Q(baseline_events__gte=1, baseline_events__lte=MAX_EVENTS),
                name="regression_baseline_in_range",
            ),
            models.CheckConstraint(
                condition=Q(min_events_to_enforce__gte=1)
                & Q(min_events_to_enforce__lte=F("window_events"))
                & Q(min_events_to_enforce__lte=F("baseline_events")),
                name="regression_can_trigger",
            ),
            models.CheckConstraint(
                condition=Q(max_drop_fraction__gt=0, max_drop_fraction__lte=1), name="regression_drop_in_range"
            ),
            models.CheckConstraint(
                condition=Q(action__in=[rules.THROTTLE, rules.KILL_SWITCH]), name="regression_action_is_known"
            ),
            models.CheckConstraint(
                condition=Q(mode__in=[rules.ENFORCE, rules.SHADOW]), name="regression_mode_is_known"
            ),
            models.CheckConstraint(
                condition=Q(detector=rules.WINDOW, baseline_kind__in=[rules.ROLLING, rules.PINNED])
                | Q(detector=rules.SEQUENTIAL, baseline_kind=rules.PINNED),
                name="regression_detector_has_its_baseline",
            ),
            models.CheckConstraint(
                condition=Q(baseline_size__gte=LEAST_BASELINE, baseline_size__lte=MAX_BASELINE)
                & Q(block_events__gte=1, block_events__lte=MAX_BLOCK)
                & Q(baseline_size__gte=F("block_events") * LEAST_UNITS),
                name="regression_pin_in_range",
            ),
            models.CheckConstraint(
                condition=Q(value_low__gte=-MAX_VALUE, value_high__lte=MAX_VALUE, value_low__lt=F("value_high")),
                name="regression_bounds_in_order",
            ),
            models.CheckConstraint(
                condition=Q(beta__gt=0, beta__lte=MOST_ERROR, alpha__gt=0, alpha__lte=MOST_ERROR),
                name="regression_errors_in_range",
            ),
            has_end("regression_policy_falls_back_at_an_end"),
            models.CheckConstraint(
                condition=Q(run_length__gte=LEAST_RUN, run_length__lte=MAX_RUN), name="regression_run_in_range"
            ),
        ]

    def __str__(self) -> str:
        """Return the tripwire's name."""
        return rules.key(self.domain, self.metric)

    def terms(self) -> Terms:
        """Return what the policy asks for."""
        return Terms(
            window_events=self.window_events,
            baseline_events=self.baseline_events,
            min_events_to_enforce=self.min_events_to_enforce,
            max_drop_fraction=self.max_drop_fraction,
            enabled=self.enabled,
        )

    def settings(self) -> Settings:
        """Return what the policy asks of a SEQUENTIAL detector and of the next pinned baseline."""
        return Settings(
            action=self.action,
            baseline_size=self.baseline_size,
            scale=Scale(self.value_low, self.value_high, self.block_events),
            beta=float(self.beta),
            run_length=self.run_length,
            alpha=float(self.alpha),
            max_drop_fraction=float(self.max_drop_fraction),
        )

    def snapshot(self) -> dict[str, Any]:
        """Return the controls; shares as text, exactly."""
        values = {name: getattr(self, name) for name in (*CONTROLS, "retired")}
        controls = {
            name: f"{value.normalize():f}" if isinstance(value, Decimal) else str(value) if name in _WORDS else value
            for name, value in values.items()
        }
        return {**controls, **self.end()}

    def take(self, patch: Mapping[str, Any]) -> None:
        """Take over what ``patch`` sets; what is retired is off for good, whatever it would have gone back to."""
        super().take(patch)
        if self.retired:
            self.fallback = {name: value for name, value in self.fallback.items() if name != "enabled"}
            self.until = self.until if self.fallback else None


class RegressionBaseline(models.Model):
    """A baseline that a person has pinned, and how it came to be: from the events that followed, never earlier ones."""

    class Status(models.TextChoices):
        """How far it is."""

        TAKING = "TAKING", "being taken"
        PINNED = "PINNED", "pinned"
        REPLACED = "REPLACED", "replaced"
        UNFIT = "UNFIT", "cannot be armed"

    domain = columns.domain()
    metric = columns.metric()
    number = models.PositiveIntegerField(help_text="Which pin of this tripwire it is, from 1 on.")
    status = models.CharField(max_length=16, choices=Status.choices, default=Status.TAKING, help_text="How far it is.")
    size = models.PositiveIntegerField(help_text="How many events it takes.")
    block_events = models.PositiveIntegerField(help_text="How many events are one observation, by their mean.")
    value_low = models.FloatField(help_text="The least value; a lower one counts as this.")
    value_high = models.FloatField(help_text="The largest value; a higher one counts as this.")
    beta = models.FloatField(help_text="The probability that its lower bound is above the true rate.")
    events = models.PositiveIntegerField(default=0, help_text="How many events it has taken.")
    progress = models.JSONField(
        default=dict, editable=False, help_text="The sums over its observations so far, and the block in the making."
    )
    mean = models.FloatField(
        null=True, blank=True, help_text="The mean of its events within the bounds, once it is complete."
    )
    bound = models.FloatField(
        null=True, blank=True, help_text="What SEQUENTIAL tests against, as a share: a lower bound of the true mean."
    )
    correlation = models.FloatField(
        null=True, blank=True, help_text="How its observations resemble the one before (lag 1); above 0.15 is too much."
    )
    note = models.TextField(blank=True, help_text="How it stands, in words.")
    pinned_by = models.CharField(max_length=150, help_text="Who pinned it.")
    reason = models.TextField(blank=True, help_text="Why.")
    pinned_at = models.DateTimeField(help_text="When it was pinned: only events after that count (UTC).")
    completed_at = models.DateTimeField(null=True, blank=True, help_text="When it was complete (UTC).")

    class Meta:
        db_table = "regression_baseline"
        ordering: ClassVar = ["-pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["domain", "metric", "number"], name="regression_baseline_numbered"),
            models.UniqueConstraint(
                fields=["domain", "metric", "status"], condition=Q(status__in=["TAKING", "PINNED"]),
                name="regression_baseline_stands_once",
            ),
            models.CheckConstraint(condition=Q(events__lte=F("size")), name="regression_baseline_within_its_size"),
            models.CheckConstraint(
                condition=~Q(status="PINNED") | Q(bound__gt=0, bound__lt=1, mean__isnull=False),
                name="regression_baseline_can_be_tested",
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        """Return the pin in one line."""
        return f"{rules.key(self.domain, self.metric)} pin {self.number} {self.status}"

    @property
    def last_event_id(self) -> int | None:
        """Return the newest event that it has taken; None of one from before this was kept."""
        last_id: int | None = self.progress.get("last_id")
        return last_id

    @property
    def share(self) -> float:
        """Return its mean as a share from 0 to 1; 0 while it is not complete."""
        return 0.0 if self.mean is None else self.scale.fraction(self.mean)

    @property
    def scale(self) -> Scale:
        """Return what maps events to its units."""
        return Scale(self.value_low, self.value_high, self.block_events)
