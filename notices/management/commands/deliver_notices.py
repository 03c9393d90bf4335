"""``manage.py deliver_notices``: deliver what is due, for cron or by hand."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from notices import delivering

ALL_THERE_IS = float("inf")


class Command(BaseCommand):
    """Deliver."""

    help = "Deliver every notice that is due. Safe to run anywhere, at any time, beside others and the scheduler."

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Deliver, and say how much."""
        self.stdout.write(str(delivering.deliver(seconds=ALL_THERE_IS)))
