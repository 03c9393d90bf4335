"""The risk guard's plots of the review: exposure against its cap by day, and refusals by reason."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

from django.conf import settings

from governance import money, tallies
from governance.models import AuditEvent
from governance.sections import Period, Plot, Series
from riskguard import rules, selectors
from riskguard.decisions import LedgerLine
from riskguard.models import utc_day
from riskguard.policies import SET_POLICY
from riskguard.rules import GLOBAL

MOST_DRAWN = 12
_CAP = "max_daily_exposure"
_SAID = "What was reserved on each UTC day and not released, and the highest cap that stood on it."


def exposure(lines: Sequence[LedgerLine], period: Period) -> list[Plot]:
    """Return each engine's exposure against its cap, by day of the period and of the one before.

    GLOBAL is always drawn, of the others the first ``MOST_DRAWN`` that have a cap or took anything.
    """
    days = period.before().days() + period.days()
    used = selectors.exposure_by_day([line.engine for line in lines], days[0], days[-1])
    changed = _cap_changes(period.before().start)
    plots = []
    for line in lines:
        taken = used.get(line.engine, {})
        if line.engine != GLOBAL and not taken:
            continue
        standing = getattr(line.policy, _CAP) if line.policy else None
        plots.append(
            _exposure(line.engine, days, taken, rules.caps_by_day(days, standing, changed.get(line.engine, [])))
        )
    return plots[:MOST_DRAWN]


def refusals(reasons: Sequence[str], denied: Mapping[str, int], before: Mapping[str, int]) -> list[Plot]:
    """Return the refusals by reason as bars; no plot where nothing was refused."""
    if not reasons:
        return []
    bounded = f" At most {tallies.MOST:,} of a reason are counted." if tallies.MOST in denied.values() else ""
    return [
        Plot(
            title="Refused reservations by reason", kind="bar", axis="Reason",
            labels=[reason.replace("_", " ") for reason in reasons],
            series=[
                Series(name="This week", values=[denied.get(reason, 0) for reason in reasons], tone="orange"),
                Series(name="The week before", values=[before.get(reason, 0) for reason in reasons], tone="grey"),
            ],
            said=f"This week beside the week before.{bounded}",
        )
    ]  # fmt: skip


def _cap_changes(since: dt.datetime) -> dict[str, list[tuple[dt.date, int | None]]]:
    """Return each engine's changes of the cap since ``since``: the UTC day and the cap before, the newest first.

    The last thousand changes of policies are read.
    """
    changes = AuditEvent.objects.filter(action=SET_POLICY, outcome=AuditEvent.Outcome.APPLIED, at__gte=since)
    found: dict[str, list[tuple[dt.date, int | None]]] = {}
    for target, at, before in changes.order_by("-pk").values_list("target", "at", "before")[:1_000]:
        if before is not None:
            cap = before[_CAP]
            found.setdefault(target, []).append((utc_day(at), None if cap is None else money.to_minor(cap)))
    return found


def _exposure(engine: str, days: Sequence[dt.date], taken: Mapping[dt.date, int], caps: Sequence[int | None]) -> Plot:
    return Plot(
        title=f"{engine}: exposure against its cap by day", kind="line", axis="Day (UTC)",
        labels=[f"{day:%m-%d}" for day in days],
        series=[
            Series(name="Exposure", values=[money.to_units(taken.get(day, 0)) for day in days]),
            Series(
                name="Cap", tone="red", dashed=True, stepped=True,
                values=[None if cap is None else money.to_units(cap) for cap in caps],
            ),
        ],
        said=_SAID,
        unit=settings.VALHALLA_CURRENCY,
    )  # fmt: skip
