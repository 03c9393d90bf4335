"""The whole story of a reservation: each step with its figures before and after, and what else happened meanwhile."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from governance import clock, money, register, roles
from governance.console.offers import may
from governance.console.pages import Page
from governance.models import AuditEvent
from governance.sections import Period
from governance.trail import reading
from riskguard import rules, selectors, words
from riskguard.models import RiskEvent, RiskReservation
from riskguard.rules import GLOBAL

MOST = 50
Kind, Status = RiskEvent.Kind, RiskReservation.Status
TONES = {Status.OPEN: "warn", Status.EXPIRED: "bad", Status.SETTLED: "good", Status.RELEASED: "idle"}
_TITLES = {Kind.RESERVE: "Reserved", Kind.SETTLE: "Settled", Kind.RELEASE: "Released", Kind.EXPIRE: "Expired"}


@dataclasses.dataclass(frozen=True, slots=True)
class Step:
    """One decision on a reservation: its own figures before and after, and those of each level where they were kept."""

    event: RiskEvent
    title: str
    rows: Sequence[tuple[str, str, str]]
    levels: Sequence[tuple[str, str, str, str]]


def steps(events: Iterable[RiskEvent]) -> list[Step]:
    """Return the decisions on one reservation, the oldest first, as a person reads them."""
    told, expired = [], False
    exposure = open_risk = loss = 0
    for event in events:
        after = exposure + event.exposure_delta, open_risk + event.open_risk_delta, loss + event.loss_delta
        rows = [
            (label, money.spoken(was), money.spoken(now))
            for label, was, now in zip(
                ("Exposure counted", "Open risk", "Realized loss"), (exposure, open_risk, loss), after, strict=True
            )
        ]
        late = " late, after it had expired" if expired and event.kind == Kind.SETTLE else ""
        told.append(Step(event, _TITLES[Kind(event.kind)] + late, rows, _levels(event)))
        exposure, open_risk, loss = after
        expired = expired or event.kind == Kind.EXPIRE
    return told


def _levels(event: RiskEvent) -> list[tuple[str, str, str, str]]:
    """Return each level's counters before and after a decision, with their caps, where the event kept them."""
    taken = {
        "exposure_used": event.exposure_delta,
        "open_risk_reserved": event.open_risk_delta,
        "realized_loss": event.loss_delta,
        "actions_count": event.actions_delta,
    }
    told = []
    for level in sorted(event.figures, key=lambda name: (name != GLOBAL, name)):
        figures = event.figures[level]
        for cap, counter in rules.USED_OF.items():
            spoken = str if cap in words.COUNTED else money.spoken
            after, limit = figures[counter], figures[cap]
            of = "no cap" if limit is None else spoken(limit)
            told.append((f"{level} {words.CAP_NAMES[cap]}", spoken(after - taken[counter]), spoken(after), of))
    return told


def _with_day(meanwhile: Period, held: RiskReservation) -> Period:
    """Return the time that a reservation was open, with the whole of the day in whose exposure it counts."""
    midnight = clock.midnight(held.day)
    return Period(min(meanwhile.start, midnight), max(meanwhile.end, midnight + dt.timedelta(days=1)))


class ReservationPage(Page):
    """A reservation from its first moment to its last."""

    template_name = "riskguard/reservation.html"

    def prepare(self, request: HttpRequest, **kwargs: Any) -> str:
        """Take the reservation."""
        self.held: RiskReservation = kwargs["reservation"]
        self.title = f"Reservation {self.held.pk}"
        return self.right

    def told(self, request: HttpRequest, **_kwargs: Any) -> dict[str, Any]:
        """Return the story. The queries are as many whatever the history holds."""
        held = self.held
        meanwhile = Period(held.created_at, held.closed_at or clock.now())
        beside = [told for lever in register.levers() for told in lever.beside(held.engine, _with_day(meanwhile, held))]
        correlated = [
            line.told
            for line in reading.correlated(held.correlation_id, most=MOST)
            if (line.mark.source, line.told.about) != ("risk_event", held.engine)
        ]
        return {
            "held": held,
            "tone": TONES[Status(held.status)],
            "overdue": held.status == Status.OPEN and held.expires_at <= clock.now(),
            "steps": steps(selectors.decisions_on(held)),
            "beside": sorted([*beside, *correlated], key=lambda told: told.at),
            "changes": self._changes(meanwhile) if may(request, roles.AUDIT) else None,
            "back": reverse("admin:riskguard_riskreservation_changelist"),
        }

    def _changes(self, meanwhile: Period) -> list[AuditEvent]:
        """Return what people and tripwires changed about the engine, and over all, while the reservation was open."""
        about = AuditEvent.objects.filter(target__in=["", GLOBAL, self.held.engine])
        found = about.filter(at__gte=meanwhile.start, at__lte=meanwhile.end).exclude(action__startswith="access.")
        return list(found.order_by("-at", "-pk")[:MOST])[::-1]
