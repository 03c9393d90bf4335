"""``manage.py golive``: read and turn the switches from a shell."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from golive import selectors
from governance.shell import operator, submit

ACTIONS = {
    "enable": "go_live.enable",
    "disable": "go_live.disable",
    "kill": "kill_switch.engage",
    "release": "kill_switch.release",
}


class Command(BaseCommand):
    """Read or turn the go-live switches."""

    help = "Show the go-live state, or enable, disable, kill or release. Exit status 1: refused; 4: waits for approval."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take what to do, who does it and why."""
        parser.add_argument("what", choices=["state", *ACTIONS])
        parser.add_argument("--actor", default="", help="Who does it (default: the shell's user).")
        parser.add_argument("--reason", default="", help="Why; a release needs one.")
        parser.add_argument("--override", action="store_true", help="Enable although the checklist fails.")
        parser.add_argument("--until", default="", help="Enable until this time (UTC), such as 2026-11-24T18:00Z.")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Do it and print the state."""
        if options["what"] != "state":
            until = {"until": options["until"]} if options["until"] else {}
            patch = {"override": options["override"], **until} if options["what"] == "enable" else {}
            submit(
                action=ACTIONS[options["what"]], patch=patch, actor=operator(options["actor"]), reason=options["reason"]
            )
        self.stdout.write(json.dumps(selectors.shown(selectors.state()), default=str, indent=2))
