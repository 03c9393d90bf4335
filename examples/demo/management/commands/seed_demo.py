"""``manage.py seed_demo``: fill a database with weeks of plausible history."""

from __future__ import annotations

from collections import Counter
from typing import IO, Any, cast

from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from examples.demo import history
from regression import selectors


class Command(BaseCommand):
    """Play the demo."""

    help = (
        "Fill an empty database with weeks of history that end now: reservations, deals, trials, recommendations, KPI "
        "events, an incident that was dealt with and one that waits for you. Production is enabled while it plays and "
        "disabled again at the end; no control is left looser than it was."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Take how long a history, how dense, and which."""
        parser.add_argument("--weeks", type=int, default=4, choices=range(1, 53), metavar="WEEKS", help="How far back.")
        parser.add_argument("--small", action="store_true", help="One week with a tenth of the traffic.")
        parser.add_argument("--seed", type=int, default=7, help="The same seed plays the same history.")
        parser.add_argument("--force", action="store_true", help="Add to a database that holds history, after it.")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Play it, showing how far it is, and tell what it made and what it left."""
        try:
            span = history.span(1 if options["small"] else options["weeks"], force=options["force"])
        except history.Unfit as wrong:
            raise CommandError(str(wrong)) from None
        tally: Counter[str] = Counter()
        share = 0.1 if options["small"] else 1.0
        console = Console(file=cast("IO[str]", self.stdout), soft_wrap=True)
        columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
        with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
            task = progress.add_task(f"{span.start:%Y-%m-%d}", total=(span.end - span.start).total_seconds())
            for at in history.play(span, seed=options["seed"], share=share, tally=tally):
                done = (at - span.start).total_seconds()
                progress.update(task, completed=done, description=f"{at:%Y-%m-%d}")
            progress.update(task, completed=(span.end - span.start).total_seconds())
        for what, count in sorted(tally.items()):
            self.stdout.write(f"{count:6} {what}")
        waiting = ", ".join(str(incident) for incident in selectors.open_incidents()) or "nothing"
        self.stdout.write(
            f"Played {span.start:%Y-%m-%d} to {span.end:%Y-%m-%d}. Production is disabled again, and every control is "
            "as it was, but for what tightens: two tripwires are enabled, and what tripped waits for you: "
            f"{waiting}. See manage.py control_plane_review."
        )
