"""The lever's app."""

from __future__ import annotations

from django.apps import AppConfig


class GoliveConfig(AppConfig):
    """Go-live and the kill switch."""

    name = "golive"
    verbose_name = "Go-live"

    def ready(self) -> None:
        """Announce the lever; no query runs."""
        from golive import (  # noqa: PLC0415 -- models are loaded only now
            actions,
            gauges,
            panel,
            review,
            seeds,
            services,
            telling,
        )
        from governance.register import Lever, announce  # noqa: PLC0415

        announce(
            Lever(
                name=self.name,
                title="Go-live",
                checks=list,
                review=review.section,
                actions=actions.ACTIONS,
                missing_seeds=seeds.missing,
                restore_seeds=seeds.restore,
                status=panel.status,
                panel=panel.panel,
                gauges=gauges.gauges,
                ends=services.end_overrides,
                tells=telling.KINDS,
            )
        )
