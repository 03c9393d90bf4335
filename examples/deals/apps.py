"""The reference engine's app."""

from django.apps import AppConfig


class DealsConfig(AppConfig):
    """Deals."""

    name = "examples.deals"
    label = "deals"
    verbose_name = "Deals (example engine)"
