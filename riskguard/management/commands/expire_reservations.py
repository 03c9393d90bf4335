"""``manage.py expire_reservations``: give back the open risk of reservations whose time is over."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from riskguard import services


class Command(BaseCommand):
    """Expire overdue reservations."""

    help = "Expire reservations that were not settled or released in time, and mark them for a person to look at."

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Expire batch after batch, so that no lock is held for long."""
        total = 0
        while batch := services.expire_some():
            total += batch
            self.stdout.write(f"{total} expired so far")
        self.stdout.write(f"{total} reservation(s) expired." if total else "No reservation is overdue.")
