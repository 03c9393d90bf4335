"""``manage.py issue_token``: a bearer token, printed once."""

from __future__ import annotations

import argparse
import datetime as dt
import re
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from knox.settings import knox_settings

from access import rules, services
from governance import clock, names
from governance.shell import WAITS, operator, submit

UNITS = {"m": "minutes", "h": "hours", "d": "days"}
LONGEST = dt.timedelta(days=366)


def duration(text: str) -> dt.timedelta:
    """Return how long ``text``, such as 90d, 12h or 30m, is."""
    read = re.fullmatch(r"([1-9][0-9]{0,6})([mhd])", text)
    length = dt.timedelta(**{UNITS[read[2]]: int(read[1])}) if read else LONGEST + dt.timedelta.resolution
    if length > LONGEST:
        raise argparse.ArgumentTypeError(f"{text!r} is no time from 1m to 366d, such as 90d, 12h or 30m.")
    return length


def engine(text: str) -> str:
    """Return an engine's name in its one spelling."""
    try:
        return names.engine(text)
    except ValueError as wrong:
        raise argparse.ArgumentTypeError(str(wrong)) from None


class Command(BaseCommand):
    """Issue a token."""

    help = "Issue a bearer token for an account and print it once. Exit status 4: it waits for a second person."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take whose it is, how long it lasts and for which engines it acts."""
        parser.add_argument("user", help="The account.")
        parser.add_argument(
            "--ttl", type=duration, default=knox_settings.TOKEN_TTL, help="How long: 90d (default), 12h."
        )
        parser.add_argument(
            "--engine", type=engine, nargs="+", default=[], metavar="NAME", help="The engines that it acts for."
        )
        parser.add_argument("--actor", default="", help="Who does it (default: the shell's user).")
        parser.add_argument("--reason", default="", help="Why; a token of an operator or an approver needs one.")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Issue it and print it."""
        minted = services.mint()
        ends = clock.now() + options["ttl"]
        patch = {
            "key": minted.key, "digest": minted.digest, "engines": options["engine"], "expires_at": ends.isoformat(),
        }  # fmt: skip
        try:
            submit(
                action=rules.ISSUE, target=options["user"], patch=patch, actor=operator(options["actor"]),
                reason=options["reason"],
            )  # fmt: skip
        except CommandError as told:
            if told.returncode == WAITS:
                # It is this token that begins to work with the approval, and nobody else will ever see it.
                self.stdout.write(minted.secret)
            raise
        self.stdout.write(minted.secret)
        bound = ", ".join(options["engine"]) or "no engine"
        self.stderr.write(
            f"Token {minted.key} of {options['user']} acts for {bound} until {ends:%Y-%m-%d %H:%M} UTC. "
            "It is shown only now."
        )
