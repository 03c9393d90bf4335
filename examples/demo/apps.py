"""The app of the demo's command."""

from django.apps import AppConfig


class DemoConfig(AppConfig):
    """Demo history."""

    name = "examples.demo"
    label = "demo"
    verbose_name = "Demo history"
