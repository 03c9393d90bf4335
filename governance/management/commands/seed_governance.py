"""``manage.py seed_governance``: put missing seed rows back."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from governance import origin, seeds
from governance.shell import operator


class Command(BaseCommand):
    """Restore the seed rows of every lever."""

    help = "Put missing seed rows back and leave edited ones alone; --reset sets edited ones back too, and asks first."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take who does it, and whether edited rows are to be reset."""
        parser.add_argument("--reset", action="store_true", help="Set edited seed rows back to the seed's values.")
        parser.add_argument("--yes", action="store_true", help="Do not ask before a reset.")
        parser.add_argument("--actor", default="", help="Who does it (default: the shell's user).")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Restore and name what was put."""
        if options["reset"] and not options["yes"]:
            answer = input("This sets every seeded policy back to its first values. Type yes to go on: ")
            if answer.strip().lower() != "yes":
                raise CommandError("Nothing was changed.")
        with origin.of(via="command"):
            put = seeds.restore(actor=operator(options["actor"]), reset=options["reset"])
        for name in put:
            self.stdout.write(f"restored {name}")
        self.stdout.write(f"{len(put)} seed row(s) restored." if put else "Every seed row is there.")
