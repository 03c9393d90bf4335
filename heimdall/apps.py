"""The lever's app."""

from __future__ import annotations

from django.apps import AppConfig


class HeimdallConfig(AppConfig):
    """The confidence charter."""

    name = "heimdall"
    verbose_name = "Heimdall"

    def ready(self) -> None:
        """Announce the lever; no query runs."""
        from governance.register import ConsolePage, Lever, announce  # noqa: PLC0415 -- models are loaded only now
        from heimdall import actions, gauges, panel, promotion, review, seeds, trails  # noqa: PLC0415

        announce(
            Lever(
                name=self.name,
                title="Heimdall",
                checks=list,
                review=review.section,
                actions=actions.ACTIONS,
                missing_seeds=seeds.missing,
                restore_seeds=seeds.restore,
                trails=trails.TRAILS,
                panel=panel.panel,
                promotion=promotion.section,
                pages=(
                    ConsolePage(
                        address="heimdall/what-if/",
                        name="heimdall_what_if",
                        view="heimdall.pages.WhatIfPage",
                        title="What if",
                        icon="query_stats",
                    ),
                ),
                gauges=gauges.gauges,
            )
        )
