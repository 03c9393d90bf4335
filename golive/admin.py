"""Operator screens of the switches."""

from __future__ import annotations

from django.contrib import admin

from golive.models import GoLiveState
from governance.console import columns
from governance.console.columns import BAD, GOOD, WARN
from governance.console.offers import Offer
from governance.console.screens import Screen


@admin.register(GoLiveState)
class GoLiveStateScreen(Screen):
    """The switches."""

    empty = "The switches are missing, so nothing runs: run manage.py seed_governance."
    offers = (
        Offer(action="kill_switch.engage", when=lambda state: not state.kill_switch_engaged, tone="danger"),
        Offer(action="kill_switch.release", when=lambda state: state.kill_switch_engaged),
        Offer(action="go_live.enable", when=lambda state: not state.go_live_enabled),
        Offer(action="go_live.disable", when=lambda state: state.go_live_enabled),
    )
    list_display = (
        columns.word("go_live_enabled", "Production", {True: ("enabled", GOOD), False: ("disabled", WARN)}),
        columns.word("kill_switch_engaged", "Kill switch", {True: ("engaged", BAD), False: ("released", GOOD)}),
        columns.last_change,
        "reason",
        "until",
    )

    def target(self, row: GoLiveState) -> str:
        """Return nothing: there is one pair of switches."""
        return ""
