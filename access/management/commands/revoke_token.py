"""``manage.py revoke_token``: end tokens."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from access import rules, selectors
from governance.shell import operator, submit


class Command(BaseCommand):
    """Revoke tokens."""

    help = "End a token by its name (its first 15 characters), or every token of an account."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take which tokens."""
        which = parser.add_mutually_exclusive_group(required=True)
        which.add_argument("token", nargs="?", default="", help="The token's name; the whole token will do.")
        which.add_argument("--user", default="", help="Every token of this account.")
        parser.add_argument("--actor", default="", help="Who does it (default: the shell's user).")
        parser.add_argument("--reason", default="", help="Why.")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Revoke them and say which."""
        keys = selectors.keys_of(options["user"]) if options["user"] else [options["token"]]
        if not keys:
            raise CommandError(f"{options['user']} has no token.")
        for key in keys:
            revoked = submit(
                action=rules.REVOKE, target=key, actor=operator(options["actor"]), reason=options["reason"]
            )
            self.stdout.write(f"revoked {revoked.token_key} of {revoked.user.get_username()}")
