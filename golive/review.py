"""The switches' part of the review."""

from __future__ import annotations

from django.db.models import Count, QuerySet

from golive import rules, selectors
from governance import readiness
from governance.models import AuditEvent
from governance.sections import Compared, Period, Section, Table

ACTIONS = ("go_live.enable", "go_live.disable", "kill_switch.engage", "kill_switch.release")


def section(period: Period) -> Section:
    """Return where production stands, what the checklist lacks, and how the switches were turned in ``period``."""
    state = selectors.shown(selectors.state())
    status = rules.status(
        enabled=state["go_live_enabled"], killed=state["kill_switch_engaged"], enforced=state["enforced"]
    )
    checklist = readiness.checklist()
    failing = [name for name, line in checklist["required"].items() if not line["ok"]]
    turns = list(_turns(period).order_by("pk")[:100])
    data = {
        **state,
        "status": status,
        "checklist_ok": checklist["ok"],
        "failing": failing,
        "turns": [{"at": turn.at, "actor": turn.actor, "action": turn.action, "reason": turn.reason} for turn in turns],
    }
    tables = [
        Table(
            "State",
            ["Status", "Changed by", "Reason", "At (UTC)", "Epoch"],
            [
                [
                    status,
                    state["changed_by"],
                    state["reason"],
                    f"{state['updated_at']:%Y-%m-%d %H:%M}",
                    str(state["epoch"]),
                ]
            ],
            "",
        ),
        Table(
            "Turned in this period",
            ["At (UTC)", "Who", "What", "Why"],
            [[f"{turn.at:%Y-%m-%d %H:%M}", turn.actor, turn.action, turn.reason] for turn in turns],
            "No switch was turned.",
        ),
    ]
    alarms = ["the kill switch is engaged"] if state["kill_switch_engaged"] else []
    alarms += ["enforcement is off: nothing is blocked"] if not state["enforced"] else []
    alarms += [f"the checklist fails: {', '.join(failing)}"] if failing else []
    return Section("go_live", "Go-live", data, tables, alarms, compared=_compared(period))


def _compared(period: Period) -> list[Compared]:
    """Return how often production was stopped, by the switches, in the period and in the one before."""
    counts = [
        dict(_turns(span).order_by().values_list("action").annotate(Count("pk"))) for span in (period, period.before())
    ]
    stops = {"kill_switch.engage": "Kill switch engaged", "go_live.disable": "Production disabled"}
    return [
        Compared("broke", label, *(f"{count.get(action, 0):,}" for count in counts)) for action, label in stops.items()
    ]


def _turns(period: Period) -> QuerySet[AuditEvent]:
    return AuditEvent.objects.filter(
        action__in=ACTIONS, outcome=AuditEvent.Outcome.APPLIED, at__gte=period.start, at__lt=period.end
    )
