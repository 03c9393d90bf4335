"""Reads of the tripwires; they write nothing and lock nothing. No read grows with the number of events."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Collection

from django.db import connection
from django.db.models import Avg, Count, DurationField, ExpressionWrapper, F, Q, QuerySet

from governance.sections import Period
from regression import rules
from regression.models import (
    KpiEvent,
    RegressionBaseline,
    RegressionIncident,
    RegressionPolicy,
    RegressionState,
)
from regression.rules import Event, Terms, Windows

Status = RegressionIncident.Status
RELIABLE_OVER = 200  # incidents of one tripwire
MOST_PINS = 1_000  # of one tripwire

# Given domain and metric as equal to constants, PostgreSQL may as well walk the primary key backwards: through every
# event of the others since a throttled engine's last one. As rows compared with rows only the index has this order.
# SQLite uses no id in such a comparison, and takes the index that it is told.
_READ = {
    "postgresql": """
SELECT id, success, value FROM kpi_event
 WHERE (domain, metric, id) > (%(domain)s, %(metric)s, %(after)s)
   AND (domain, metric, id) <= (%(domain)s, %(metric)s, %(until)s)
 ORDER BY domain DESC, metric DESC, id DESC LIMIT %(limit)s
""",
    "sqlite": """
SELECT id, success, value FROM kpi_event INDEXED BY kpi_newest
 WHERE domain = %(domain)s AND metric = %(metric)s AND id > %(after)s AND id <= %(until)s
 ORDER BY id DESC LIMIT %(limit)s
""",
}
# In plain SQL as well, since every event asks it: to make it of a queryset takes ten times as long as to run it.
_GAPS = """
SELECT after_id, until_id FROM regression_gap
 WHERE domain = %s AND metric = %s AND until_id > %s AND until_id <= %s
 ORDER BY until_id DESC LIMIT %s
"""


@dataclasses.dataclass(frozen=True, slots=True)
class Dealt:
    """How incidents were dealt with in a period: how many, and the mean times from the trip on."""

    opened: int
    acknowledged: int
    resolved: int
    mean_time_to_acknowledge: dt.timedelta | None
    mean_time_to_resolve: dt.timedelta | None


@dataclasses.dataclass(frozen=True, slots=True)
class Reliability:
    """How reliable a tripwire was over some incidents: SHADOW's count for the share of false alarms, not for times."""

    domain: str
    metric: str
    trips: int
    shadow_trips: int
    with_cause: int
    false_alarms: int
    mean_time_to_detect: dt.timedelta | None
    mean_time_to_acknowledge: dt.timedelta | None
    mean_time_to_resolve: dt.timedelta | None

    @property
    def false_alarm_share(self) -> float | None:
        """Return the share of false alarms among those whose cause is known; None while none is."""
        return self.false_alarms / self.with_cause if self.with_cause else None


def policies(*, retired: bool = False) -> list[RegressionPolicy]:
    """Return the policies in use by domain and metric, or those that are retired."""
    found = RegressionPolicy.objects.filter(retired_at__isnull=not retired)
    return list(found.order_by("domain", "metric"))


def policy(domain: str, metric: str) -> RegressionPolicy | None:
    """Return the policy of a tripwire, None where there is none."""
    return RegressionPolicy.objects.filter(domain=domain, metric=metric).first()


def enabled(domain: str | None = None, metric: str | None = None) -> list[RegressionPolicy]:
    """Return the enabled policies, of ``domain`` and ``metric`` where they are named."""
    named = {name: value for name, value in (("domain", domain), ("metric", metric)) if value is not None}
    return list(RegressionPolicy.objects.filter(enabled=True, **named).order_by("domain", "metric"))


def states() -> list[RegressionState]:
    """Return the state of every tripwire that was ever enabled or evaluated, by domain and metric."""
    return list(RegressionState.objects.order_by("domain", "metric"))


def triggered() -> list[str]:
    """Return the names of the triggered tripwires."""
    found = RegressionState.objects.filter(triggered=True).order_by("domain", "metric")
    return [rules.key(*pair) for pair in found.values_list("domain", "metric")]


def newest_event_at() -> dt.datetime | None:
    """Return the time of the newest event, None where there is none."""
    return KpiEvent.objects.order_by("-pk").values_list("at", flat=True).first()


def event_at(event_id: int) -> dt.datetime | None:
    """Return when an event arrived, None where it has been removed with age."""
    return KpiEvent.objects.filter(pk=event_id).values_list("at", flat=True).first()


def events_at(ids: Collection[int]) -> dict[int, dt.datetime]:
    """Return when each of the events arrived that are still there."""
    return dict(KpiEvent.objects.filter(pk__in=ids).values_list("pk", "at"))


def newest(domain: str, metric: str, *, limit: int, above: int = 0, upto: int = rules.END) -> list[Event]:
    """Return the newest ``limit`` events, newest first, after ``above`` up to and with ``upto``, in gaps or not."""
    return _stretch(domain, metric, above, upto, limit)


def newest_id(domain: str, metric: str) -> int:
    """Return the id of the newest event, 0 where there is none."""
    newest = _stretch(domain, metric, 0, rules.END, 1)
    return newest[0].id if newest else 0


def windows(state: RegressionState, terms: Terms) -> Windows:
    """Return the windows of a tripwire. While it is triggered, the baseline stays that of the trip.

    Reads at most ``window_events + baseline_events`` events, whatever the table holds.
    """
    domain, metric, end = state.domain, state.metric, state.baseline_end_id
    if end is None:
        newest = effective(domain, metric, limit=terms.window_events + terms.baseline_events)
        return rules.windows(newest, terms, state.armed_after_id)
    return Windows(
        effective(domain, metric, limit=terms.window_events, above=end),
        effective(domain, metric, limit=terms.baseline_events, upto=end),
    )


def current_alone(state: RegressionState, terms: Terms) -> Windows:
    """Return the current window of a tripwire whose baseline is pinned: at most the last ``window_events`` events."""
    since = state.armed_after_id if state.baseline_end_id is None else state.baseline_end_id
    return Windows(effective(state.domain, state.metric, limit=terms.window_events, above=since), [])


def id_before(domain: str, metric: str, event_id: int) -> int:
    """Return the id of the effective event before ``event_id``, 0 where there is none."""
    found = effective(domain, metric, limit=1, upto=event_id - 1)
    return found[0].id if found else 0


def pinned(policy: RegressionPolicy) -> RegressionBaseline | None:
    """Return the pinned baseline of a tripwire, None while it has none."""
    named = {"domain": policy.domain, "metric": policy.metric}
    return RegressionBaseline.objects.filter(status=RegressionBaseline.Status.PINNED, **named).first()


def tested_against(policy: RegressionPolicy) -> RegressionBaseline | None:
    """Return the pinned baseline that a tripwire tests against, None where it has none or tests against its past."""
    return pinned(policy) if policy.baseline_kind == rules.PINNED else None


def standing_pins(policy: RegressionPolicy) -> list[RegressionBaseline]:
    """Return the baseline that is pinned and the one that is being taken, as far as there are."""
    named = {"domain": policy.domain, "metric": policy.metric}
    stands = [RegressionBaseline.Status.PINNED, RegressionBaseline.Status.TAKING]
    return list(RegressionBaseline.objects.filter(**named, status__in=stands).order_by("number"))


def complete_pins(domain: str, metric: str) -> list[RegressionBaseline]:
    """Return the baselines of a tripwire that are or were pinned, in their order; the last MOST_PINS."""
    ever = Q(status=RegressionBaseline.Status.PINNED)
    ever |= Q(status=RegressionBaseline.Status.REPLACED, bound__isnull=False)
    found = RegressionBaseline.objects.filter(ever, domain=domain, metric=metric)
    return list(found.order_by("-number")[:MOST_PINS])[::-1]


def needed(state: RegressionState, terms: Terms) -> frozenset[int]:
    """Return the ids of the events that the windows hold or may come to hold again.

    Newer events only push older ones out, and a trip and its re-arming only leave out the newest: under the same terms
    no window ever reaches further back than this.
    """
    if state.baseline_end_id is None:
        limit = terms.window_events + terms.baseline_events
        return frozenset(event.id for event in effective(state.domain, state.metric, limit=limit))
    seen = windows(state, terms)
    return frozenset(event.id for event in (*seen.current, *seen.baseline))


def effective(domain: str, metric: str, *, limit: int, above: int = 0, upto: int = rules.END) -> list[Event]:
    """Return the newest ``limit`` events outside of the gaps, newest first, after ``above`` up to and with ``upto``.

    One stretch between gaps after the other, so that what a gap holds is never read. Each stretch but the newest holds
    an event, so ``limit + 1`` gaps are enough to know.
    """
    with connection.cursor() as cursor:
        cursor.execute(_GAPS, [domain, metric, above, upto, limit + 1])
        bounds = cursor.fetchall()
    found: list[Event] = []
    for after, until in rules.segments(bounds, above, upto):
        found += _stretch(domain, metric, after, until, limit - len(found))
        if len(found) == limit:
            break
    return found


def _stretch(domain: str, metric: str, after: int, until: int, limit: int) -> list[Event]:
    """Return the newest ``limit`` events with after < id <= until, newest first, read from the index alone."""
    named: dict[str, str | int] = {
        "domain": domain, "metric": metric, "after": after, "until": until, "limit": limit,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_READ[connection.vendor], named)
        rows = cursor.fetchall()
    return [Event(row[0], None if row[1] is None else bool(row[1]), row[2]) for row in rows]


def open_incidents() -> list[RegressionIncident]:
    """Return the incidents that pulled a lever and are not resolved, the oldest first; the first hundred."""
    return list(_enforced().exclude(status=Status.RESOLVED).order_by("pk")[:100])


def incidents_of(engine: str, period: Period) -> list[RegressionIncident]:
    """Return the incidents of ``engine`` that were opened or unresolved in ``period``, the oldest first; at most 50."""
    during = RegressionIncident.objects.filter(domain=engine, opened_at__lte=period.end)
    return list(during.filter(Q(resolved_at__isnull=True) | Q(resolved_at__gte=period.start)).order_by("pk")[:50])


def recent_trips(policy: RegressionPolicy, since: dt.datetime) -> list[dt.datetime]:
    """Return when a tripwire tripped since ``since``, the newest first."""
    trips = _enforced().filter(domain=policy.domain, metric=policy.metric, opened_at__gte=since)
    return list(trips.order_by("-opened_at").values_list("opened_at", flat=True))


def trips(start: dt.datetime, end: dt.datetime) -> list[RegressionIncident]:
    """Return the trips from ``start`` up to ``end`` that pulled a lever, the newest first; the last hundred."""
    return list(_enforced().filter(opened_at__gte=start, opened_at__lt=end).order_by("-pk")[:100])


def dealt_with(start: dt.datetime, end: dt.datetime) -> Dealt:
    """Return how many incidents were opened, acknowledged and resolved from ``start`` up to ``end``, and how fast."""
    opened = _enforced().filter(opened_at__gte=start, opened_at__lt=end)
    acknowledged = _enforced().filter(acknowledged_at__gte=start, acknowledged_at__lt=end)
    resolved = _enforced().filter(resolved_at__gte=start, resolved_at__lt=end)
    first = acknowledged.aggregate(rows=Count("pk"), mean=_between("opened_at", "acknowledged_at"))
    last = resolved.aggregate(rows=Count("pk"), mean=_between("opened_at", "resolved_at"))
    return Dealt(opened.count(), first["rows"], last["rows"], first["mean"], last["mean"])


def reliability(incidents: QuerySet[RegressionIncident]) -> list[Reliability]:
    """Return how reliable each tripwire was over ``incidents``, by domain and metric: one query."""
    enforced = Q(mode=rules.ENFORCE)
    totals = (
        incidents.order_by()
        .values("domain", "metric")
        .annotate(
            trips=Count("pk", filter=enforced),
            shadow_trips=Count("pk", filter=~enforced),
            with_cause=Count("pk", filter=~Q(cause="")),
            false_alarms=Count("pk", filter=Q(cause=rules.FALSE_ALARM)),
            mean_time_to_detect=_between("onset_at", "opened_at"),
            mean_time_to_acknowledge=_between("opened_at", "acknowledged_at", enforced),
            mean_time_to_resolve=_between("opened_at", "resolved_at", enforced),
        )
    )
    return [Reliability(**row) for row in totals.order_by("domain", "metric")]


def opened_between(start: dt.datetime, end: dt.datetime) -> QuerySet[RegressionIncident]:
    """Return the incidents, in either mode, that were opened from ``start`` up to ``end``."""
    return RegressionIncident.objects.filter(opened_at__gte=start, opened_at__lt=end)


def newest_opened(start: dt.datetime, end: dt.datetime) -> list[RegressionIncident]:
    """Return the last hundred incidents, in either mode, that were opened from ``start`` up to ``end``."""
    return list(opened_between(start, end).order_by("-pk")[:100])


def _enforced() -> QuerySet[RegressionIncident]:
    """Return the incidents that pulled a lever: a trip in SHADOW waits for nobody."""
    return RegressionIncident.objects.filter(mode=rules.ENFORCE)


def _between(start: str, end: str, only: Q | None = None) -> Avg:
    return Avg(ExpressionWrapper(F(end) - F(start), output_field=DurationField()), filter=only)
