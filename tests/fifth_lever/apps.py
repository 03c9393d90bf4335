"""The lever's app."""

from __future__ import annotations

from django.apps import AppConfig


class QuarantineConfig(AppConfig):
    """The quarantine."""

    name = "tests.fifth_lever"
    label = "quarantine"

    def ready(self) -> None:
        """Announce the lever; no query runs."""
        from governance.register import Lever, announce
        from tests.fifth_lever import actions, review

        announce(
            Lever(
                name=self.label, title="Quarantine", checks=review.checks, review=review.section,
                actions=actions.ACTIONS, panel=review.panel, gauges=review.gauges,
            )
        )  # fmt: skip
