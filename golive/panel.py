"""The switches in the console: their word on every page, and what keeps production closed."""

from __future__ import annotations

from django.conf import settings

from golive import rules, selectors
from governance import readiness
from governance.console import figures
from governance.errors import Unavailable
from governance.register import Alarm, Panel, Status

_TONES = {"LIVE": "good", "DISABLED": "warn", "KILLED": "bad", "NOT ENFORCED": "bad"}
_SAID = {
    "LIVE": "Engines may act in production, within their caps.",
    "DISABLED": "Nothing runs in production until it is enabled.",
    "KILLED": "The kill switch is engaged: nothing that acts in production may run.",
    "NOT ENFORCED": "This process enforces neither go-live nor the kill switch: nothing is blocked by them.",
}


def status() -> Status:
    """Return where production stands, who made it so, and what may be done now."""
    try:
        state = selectors.state()
    except Unavailable as wrong:
        return Status(word="UNKNOWN", tone="bad", said=f"Everything is refused: {wrong}")
    killed, enabled = state.kill_switch_engaged, state.go_live_enabled
    word = rules.status(enabled=enabled, killed=killed, enforced=settings.GOVERNANCE_ENFORCED)
    return Status(
        word=word,
        tone=_TONES[word],
        said=f"{_SAID[word]} Production is enabled until {figures.moment(state.until)}."
        if state.until
        else _SAID[word],
        by=state.changed_by,
        at=state.updated_at,
        reason=state.reason,
        head=("kill_switch.release", "Release") if killed else ("kill_switch.engage", "Kill switch"),
        actions=(
            "kill_switch.release" if killed else "kill_switch.engage",
            "go_live.disable" if enabled else "go_live.enable",
        ),
    )


def panel() -> Panel:
    """Return the lines of the go-live checklist that fail."""
    failing = [line["detail"] for line in readiness.checklist()["required"].values() if not line["ok"]]
    return Panel("golive/panel.html", {"failing": failing}, [Alarm(line, "warn") for line in failing])
