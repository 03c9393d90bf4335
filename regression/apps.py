"""The lever's app."""

from __future__ import annotations

from django.apps import AppConfig


class RegressionConfig(AppConfig):
    """The regression tripwire."""

    name = "regression"
    verbose_name = "Regression tripwire"

    def ready(self) -> None:
        """Announce the lever; no query runs."""
        from governance.facts import Outcome  # noqa: PLC0415 -- models are loaded only now
        from governance.register import ConsolePage, Lever, Retention, announce  # noqa: PLC0415
        from regression import (  # noqa: PLC0415
            actions,
            gauges,
            hearing,
            jobs,
            panel,
            policies,
            retention,
            review,
            seeds,
            telling,
            trails,
        )

        announce(
            Lever(
                name=self.name,
                title="Regression tripwire",
                checks=review.checks,
                review=review.section,
                actions=actions.ACTIONS,
                missing_seeds=seeds.missing,
                restore_seeds=seeds.restore,
                retentions=(
                    Retention(retention.TABLE, retention.remove),
                    Retention(retention.KEYS, retention.remove_keys),
                ),
                trails=trails.TRAILS,
                hears={Outcome: hearing.outcome},
                panel=panel.panel,
                pages=(
                    ConsolePage(
                        address="tripwires/<str:domain>/<str:metric>/",
                        name="tripwire",
                        view="regression.pages.TripwirePage",
                    ),
                ),
                jobs=jobs.JOBS,
                gauges=gauges.gauges,
                ends=policies.end_overrides,
                beside=trails.beside,
                tells=telling.KINDS,
            )
        )
