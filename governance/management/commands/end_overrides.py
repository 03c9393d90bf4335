"""``manage.py end_overrides``: let what was loosened for a time go back, where its time is over."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from governance import ending


class Command(BaseCommand):
    """End overrides."""

    help = "Let the controls that were loosened until a time go back to how they stood, where that time has come."

    def handle(self, *_args: Any, **_options: Any) -> None:
        """End them, and name them."""
        ended = ending.end_all()
        self.stdout.write(f"Gone back: {', '.join(ended)}." if ended else "No override is at its end.")
