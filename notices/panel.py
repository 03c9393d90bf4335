"""The notices' part of the control plane: whom each rule reaches."""

from __future__ import annotations

from governance.register import Alarm, Panel
from notices import rules, selectors, words


def panel() -> Panel:
    """Return the rules with what waits for each and what was given up."""
    told = [(reach, rules.host_of(reach.rule.channel, reach.rule.address)) for reach in selectors.reaches()]
    alarms = [Alarm(said, "warn") for said in words.late(selectors.standing())]
    data = {"told": told, "test": rules.TEST, "retry_all": rules.RETRY_ALL, "set": rules.SET}
    return Panel("notices/panel.html", data, alarms)
