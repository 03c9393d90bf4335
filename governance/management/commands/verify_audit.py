"""``manage.py verify_audit``: hold the trail against its seals."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import IO, Any, cast

from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from governance.models import Seal
from governance.trail import sealing, verifying
from governance.trail.verifying import Head

SHOWN = 50


class Command(BaseCommand):
    """Verify the trail."""

    help = (
        "Hold every sealed row against its seal and every seal against the one before. Exit status 1 where one was "
        "edited, removed, inserted or reordered, which is named; 2 where the head cannot be read."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the head that was exported before."""
        parser.add_argument("--head", help="A file that export_audit_head wrote: the trail must reach it, unchanged.")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Show progress, name what is wrong, and say how much was checked."""
        head = _read(options["head"]) if options["head"] else None
        seals = rows = wrong = 0
        console = Console(file=cast("IO[str]", self.stderr), force_terminal=self.stderr.isatty())
        columns = (
            TextColumn("Verifying"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("seals"),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=console, disable=not self.stderr.isatty()) as progress:
            task = progress.add_task("seals", total=Seal.objects.count())
            for checked in verifying.check(head=head):
                progress.advance(task)
                seals, rows = seals + 1, rows + checked.rows
                for finding in checked.findings:
                    wrong += 1
                    if wrong <= SHOWN:
                        self.stdout.write(str(finding))
        waiting = sealing.waiting()
        told = f"{rows} row(s) under {seals} seal(s); {waiting} row(s) wait to be sealed."
        if wrong:
            self.stderr.write(f"{wrong} finding(s), the first {min(wrong, SHOWN)} above. {told}")
            self.stderr.write("See docs/operating.md, 'The trail'.")
            sys.exit(1)
        self.stdout.write(f"The trail agrees: {told}" if seals else "Nothing is sealed yet: run seal_audit.")


def _read(path: str) -> Head:
    try:
        told = json.loads(Path(path).read_text(encoding="utf-8"))
        return Head(int(told["chain"]), int(told["number"]), str(told["hash"]))
    except (OSError, ValueError, KeyError, TypeError) as wrong:
        message = f"{path} is no head that export_audit_head wrote: {wrong}"
        raise CommandError(message, returncode=2) from None
