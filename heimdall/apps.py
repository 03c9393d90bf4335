"""The lever's app."""

from __future__ import annotations

from django.apps import AppConfig


class HeimdallConfig(AppConfig):
    """The confidence charter."""

    name = "heimdall"
    verbose_name = "Heimdall"

    def ready(self) -> None:
        """Announce the lever; no query runs."""
        from governance.facts import Tripped  # noqa: PLC0415 -- models are loaded only now
        from governance.register import ConsolePage, Lever, announce  # noqa: PLC0415
        from heimdall import (  # noqa: PLC0415
            actions,
            gauges,
            panel,
            policies,
            promotion,
            review,
            seeds,
            services,
            trails,
        )

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
                hears={Tripped: services.hear_trip},
                panel=panel.panel,
                promotion=promotion.section,
                pages=(
                    ConsolePage(
                        address="heimdall/calibration/",
                        name="heimdall_calibration",
                        view="heimdall.reliability.CalibrationPage",
                        title="Calibration",
                        icon="target",
                    ),
                    ConsolePage(
                        address="heimdall/what-if/",
                        name="heimdall_what_if",
                        view="heimdall.pages.WhatIfPage",
                        title="What if",
                        icon="query_stats",
                    ),
                ),
                gauges=gauges.gauges,
                ends=policies.end_overrides,
            )
        )
