"""What the demo's operator does: every change goes through the door."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Mapping
from typing import Any

from django.conf import settings

from examples.demo.schedule import Schedule
from golive import selectors as golive
from governance import changes
from heimdall import selectors as heimdall
from regression import selectors as regression
from riskguard import selectors as riskguard
from riskguard import services as risk

OPERATOR = "ida.demo"
WATCHED = ("WHOLESALE/contract_rate", "WHOLESALE/offer_accept_rate")
CHARTERED = ("BUYER_MATCH", "WHOLESALE_OFFER")
EVIDENCE_DAYS = 7
HOUR = dt.timedelta(hours=1)


class Desk:
    """The operators' shift: switches, policies, tripwires and incidents. ``mended`` says that the fault is found."""

    def __init__(self, schedule: Schedule, tally: Counter[str]) -> None:
        self._schedule, self._tally = schedule, tally
        self._seen: set[int] = set()
        self._borrowed: dict[str, Mapping[str, Any]] = {}
        self.mended = False

    def plan(self) -> None:
        """Enter the shift into the schedule."""
        at = self._schedule.add
        at(self._schedule.start, self._open)
        at(self._schedule.part(0.1), self._charter)
        at(self._schedule.part(0.3), lambda: self._cap("120.00", "Large tickets wait for the review."))
        at(self._schedule.part(0.6), lambda: self._cap(None, "Reviewed: large tickets are back."))
        at(self._schedule.part(0.4), self._drill)
        hour = self._schedule.start + HOUR
        while hour < self._schedule.end:
            at(hour, self._watch)
            hour += HOUR

    def give_back(self) -> None:
        """Set every control that the demo has loosened to what it was, and disable production again."""
        for domain, controls in self._borrowed.items():
            self.change("heimdall.policy.set", domain, controls, "The demo ends: as it was before.")
        if golive.state().go_live_enabled:
            self.change("go_live.disable", "", {}, "The demo ends: as it was before.")

    def change(self, action: str, target: str, patch: Mapping[str, Any], reason: str) -> None:
        """Submit a change; one that is refused, or waits, ends the demo."""
        outcome = changes.submit(action=action, target=target, patch=patch, actor=OPERATOR, reason=reason)
        if not isinstance(outcome, changes.Applied):
            raise RuntimeError(f"{action} {target} was not applied: {outcome}")
        self._tally["changes by operators"] += 1

    def _open(self) -> None:
        self.change("go_live.enable", "", {"override": True}, "The demo begins.")
        for tripwire in WATCHED:
            self.change("regression.policy.set", tripwire, {"enabled": True}, "Watched from the first day.")

    def _charter(self) -> None:
        for domain in CHARTERED:
            policy = heimdall.policy(domain)
            if policy is not None:
                borrowed = {"prod_use_enabled": True, "evidence_days": EVIDENCE_DAYS}
                self._borrowed[domain] = {name: getattr(policy, name) for name in borrowed}
                self.change("heimdall.policy.set", domain, borrowed, "A week of trials tells more than a day.")

    def _cap(self, most: str | None, reason: str) -> None:
        self.change("risk.policy.set", "CAPITAL", {"max_amount_per_action": most}, reason)

    def _drill(self) -> None:
        self.change("kill_switch.engage", "", {}, "Quarterly drill.")
        self._schedule.after(
            dt.timedelta(minutes=45), lambda: self.change("kill_switch.release", "", {}, "The drill is over.")
        )

    def _watch(self) -> None:
        """Look at what expired and tripped; an incident of the first tripwire is dealt with, the last one waits."""
        self._tally["reservations expired"] += risk.expire_some()
        for incident in regression.open_incidents():
            name = f"{incident.domain}/{incident.metric}"
            if name == WATCHED[0] and incident.pk not in self._seen:
                self._seen.add(incident.pk)
                self._deal_with(str(incident.pk), name, incident.domain)

    def _deal_with(self, incident: str, tripwire: str, engine: str) -> None:
        def mend() -> None:
            self.mended = True
            self.change("regression.rearm", tripwire, {}, "The price feed was stale; it is mended.")
            self.change("risk.policy.set", engine, {"enabled": True}, "The tripwire is re-armed.")

        def change(action: str, reason: str) -> None:
            self.change(action, incident, {}, reason)

        change("regression.incident.acknowledge", "Looking into it.")
        self._schedule.after(4 * HOUR, mend)
        self._schedule.after(
            20 * HOUR, lambda: change("regression.incident.resolve", "A stale price feed; an alert watches it now.")
        )


def objections() -> list[str]:
    """Return why the demo must not play on this database, whatever is forced; empty where it may."""
    state = golive.state()
    found = []
    if settings.FOUR_EYES:
        found.append("FOUR_EYES is on: the demo's operator acts alone, and no second person is there to agree")
    if state.go_live_enabled:
        found.append("production is enabled: the demo turns the switches")
    if state.kill_switch_engaged:
        found.append("the kill switch is engaged: the demo would release it")
    found += [f"the tripwire {name} is triggered: re-arm it first" for name in regression.triggered()]
    watched = {str(policy) for policy in regression.policies()}
    found += [f"the tripwire {name} is not there: run seed_governance" for name in WATCHED if name not in watched]
    standing = {policy.engine: policy for policy in riskguard.policies()}
    for engine in ("GLOBAL", "WHOLESALE", "CAPITAL"):
        if engine not in standing or not standing[engine].enabled:
            found.append(f"the risk policy of {engine} is not enabled: the demo would enable it")
    if "CAPITAL" in standing and standing["CAPITAL"].max_amount_per_action is not None:
        found.append("CAPITAL has a max_amount_per_action: the demo would lift it")
    return found
