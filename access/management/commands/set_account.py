"""``manage.py set_account``: give and take roles."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from access import rules
from governance import roles
from governance.shell import operator, submit

CONTROLS = ["active", "superuser", *roles.ROLES]


class Command(BaseCommand):
    """Change an account."""

    help = "Give roles to an account, and take them. What gives waits for a second person (exit status 4)."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take what is given and taken."""
        parser.add_argument("user", help="The account.")
        parser.add_argument("--give", nargs="+", choices=CONTROLS, default=[], help="Roles to give, or active.")
        parser.add_argument("--take", nargs="+", choices=CONTROLS, default=[], help="Roles to take, or active.")
        parser.add_argument("--actor", default="", help="Who does it (default: the shell's user).")
        parser.add_argument("--reason", default="", help="Why; what gives needs one.")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Change it and say how it stands."""
        patch = {**dict.fromkeys(options["give"], True), **dict.fromkeys(options["take"], False)}
        if not patch or set(options["give"]) & set(options["take"]):
            raise CommandError("Say what to --give and what to --take, and nothing in both.")
        account = submit(
            action=rules.SET_ACCOUNT, target=options["user"], patch=patch, actor=operator(options["actor"]),
            reason=options["reason"],
        )  # fmt: skip
        held = [name for name, value in account.snapshot().items() if value]
        self.stdout.write(f"{options['user']}: {', '.join(held) or 'no role, not active'}")
