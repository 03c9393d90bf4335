"""``manage.py create_account``: a further account, with a first password that is printed once."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from access import rules, services
from governance import origin
from governance.shell import operator, submit


class Command(BaseCommand):
    """Create an account."""

    help = "Create an account without a role; set_account gives it roles. An engine's account needs no password."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the account's name."""
        parser.add_argument("user", help="The account's name.")
        parser.add_argument("--without-password", action="store_true", help="For an engine, which calls with a token.")
        parser.add_argument("--actor", default="", help="Who does it (default: the shell's user).")
        parser.add_argument("--reason", default="", help="Why.")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Create it and print its password."""
        who, name = operator(options["actor"]), options["user"]
        submit(action=rules.CREATE_ACCOUNT, target=name, actor=who, reason=options["reason"])
        self.stdout.write(f"Created {name}, without a role. Next: manage.py set_account {name} --give ROLE")
        if not options["without_password"]:
            with origin.of(via="command"):
                password = services.set_first_password(username=name, actor=who)
            self.stdout.write(f"Password of {name}: {password}   (shown only now; change it in the console)")
