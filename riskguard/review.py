"""The risk guard's lines of the checklist and its part of the review."""

from __future__ import annotations

from governance import money, tallies
from governance.register import Check
from governance.sections import Compared, Period, Section, Table
from riskguard import plots, selectors
from riskguard.decisions import LedgerLine
from riskguard.rules import GLOBAL
from riskguard.serializers import LedgerLineSerializer

REASONS_COMPARED = 5


def checks() -> list[Check]:
    """Return whether GLOBAL caps every engine."""
    enabled = selectors.is_enabled(GLOBAL)
    detail = "The GLOBAL risk policy is enabled." if enabled else "The GLOBAL risk policy is missing or disabled."
    return [Check("global_risk_policy", enabled, detail)]


def section(period: Period) -> Section:
    """Return today's ledger against its caps, and the period's refusals by reason against the period before."""
    lines = selectors.ledger_today()
    denied, before = (selectors.refusals_by_reason(span.start, span.end) for span in (period, period.before()))
    to_look_at = selectors.unresolved()
    data = {
        "ledger": LedgerLineSerializer(lines, many=True).data,
        "refusals": denied,
        "refusals_before": before,
        "expired_to_review": to_look_at,
    }
    reasons = sorted({*denied, *before}, key=lambda reason: (-denied.get(reason, 0), reason))
    tables = [
        Table(
            "Ledger of today against its caps",
            ["Engine", "Policy", "Exposure", "Open risk", "Lost", "Actions"],
            [_row(line) for line in lines],
            "There is no risk policy: run seed_governance.",
        ),
        Table(
            "Refusals by reason",
            ["Reason", "This period", "The period before"],
            [[reason, *(tallies.spoken(times.get(reason, 0)) for times in (denied, before))] for reason in reasons],
            "Nothing was refused.",
        ),
    ]
    alarms = [f"{line.engine} is close to its cap or over it" for line in lines if _is_close(line)]
    alarms += [f"{to_look_at} reservation(s) expired unresolved"] if to_look_at else []
    plotted = [*plots.exposure(lines, period), *plots.refusals(reasons, denied, before)]
    compared = [_compared("Reservations refused", sum(denied.values()), sum(before.values()))]
    compared += [
        _compared(f"of them {reason.replace('_', ' ')}", denied.get(reason, 0), before.get(reason, 0))
        for reason in reasons[:REASONS_COMPARED]
    ]
    return Section("risk", "Risk guard", data, tables, alarms, plotted, compared)


def _compared(label: str, now: int, before: int) -> Compared:
    return Compared("denied", label, tallies.spoken(now), tallies.spoken(before))


def _row(line: LedgerLine) -> list[str]:
    usage, policy = line.usage, line.policy
    caps = policy.caps() if policy else None
    return [
        line.engine,
        "enabled" if policy and policy.enabled else "DISABLED",
        _of(usage.exposure_used, caps.max_daily_exposure if caps else None),
        _of(usage.open_risk_reserved, caps.max_open_risk if caps else None),
        _of(usage.realized_loss, caps.max_daily_loss if caps else None),
        str(usage.actions_count),
    ]


def _of(used: int, limit: int | None) -> str:
    return f"{money.spoken(used)} of {'no cap' if limit is None else money.spoken(limit)}"


def _is_close(line: LedgerLine) -> bool:
    if line.policy is None or not line.policy.enabled:
        return False
    caps, usage = line.policy.caps(), line.usage
    used = (
        (usage.exposure_used, caps.max_daily_exposure),
        (usage.open_risk_reserved, caps.max_open_risk),
        (usage.realized_loss, caps.max_daily_loss),
    )
    return any(limit is not None and taken * 10 >= limit * 8 for taken, limit in used)
