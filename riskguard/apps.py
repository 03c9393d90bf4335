"""The lever's app."""

from __future__ import annotations

from django.apps import AppConfig


class RiskguardConfig(AppConfig):
    """The risk guard."""

    name = "riskguard"
    verbose_name = "Risk guard"

    def ready(self) -> None:
        """Announce the lever; no query runs."""
        from governance.register import Lever, announce  # noqa: PLC0415 -- models are loaded only now
        from riskguard import (  # noqa: PLC0415
            actions,
            gauges,
            jobs,
            panel,
            policies,
            review,
            seeds,
            telling,
            trails,
        )

        announce(
            Lever(
                name=self.name,
                title="Risk guard",
                checks=review.checks,
                review=review.section,
                actions=actions.ACTIONS,
                missing_seeds=seeds.missing,
                restore_seeds=seeds.restore,
                trails=trails.TRAILS,
                panel=panel.panel,
                jobs=jobs.JOBS,
                ends=policies.end_overrides,
                gauges=gauges.gauges,
                tells=telling.KINDS,
            )
        )
