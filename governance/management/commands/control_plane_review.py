"""``manage.py control_plane_review``: the Monday review in the terminal."""

from __future__ import annotations

import datetime as dt
import json
from typing import IO, Any, cast

from django.core.management.base import BaseCommand, CommandParser
from django.core.serializers.json import DjangoJSONEncoder
from rich.console import Console
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table as RichTable

from governance import clock, review, shell, verdicts
from governance.models import ReviewDecision
from governance.sections import Period, Section, Table


class Command(BaseCommand):
    """Show every lever's section over the last days, and record what a person finds."""

    help = "The control plane review: go-live, ledger against caps, refusals, tripwires, incidents, scorecards."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the form and the length of the period."""
        parser.add_argument("--json", action="store_true", help="Print JSON instead of tables.")
        parser.add_argument("--days", type=int, default=7, choices=range(1, 367), metavar="DAYS", help="How far back.")
        parser.add_argument(
            "--decide", type=str.upper, choices=ReviewDecision.Verdict.values, metavar="VERDICT",
            help="Record what the review finds instead of showing it: healthy, watch or intervene.",
        )  # fmt: skip
        parser.add_argument("--actor", default="", help="Who decides; the shell's user if left out.")
        parser.add_argument("--reason", default="", help="The note of the decision.")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Print the review, or record its decision."""
        if options["decide"]:
            self._decide(options)
            return
        end = clock.now()
        period = Period(end - dt.timedelta(days=options["days"]), end)
        if options["json"]:
            self.stdout.write(json.dumps(review.control_plane(period), cls=DjangoJSONEncoder, indent=2))
            return
        console = Console(
            file=cast("IO[str]", self.stdout), force_terminal=getattr(self.stdout, "isatty", bool)() or None
        )
        span = f"{period.start:%Y-%m-%d %H:%M} to {period.end:%Y-%m-%d %H:%M} UTC"
        console.print(Panel(f"[bold]Control plane review[/bold]\n{span}", expand=False))
        told = review.sections(period)
        for section in (*told, *review.promotions(period)):
            _print_section(console, section)
        alarms = review.alarms(told)
        verdict = "\n".join(f"- {escape(alarm)}" for alarm in alarms) or "Nothing needs a person."
        console.print(Panel(verdict, title="To look at", border_style="red" if alarms else "green", expand=False))
        console.print(Panel(escape(_last_decision()), title="The last decision", expand=False))

    def _decide(self, options: dict[str, Any]) -> None:
        actor = shell.operator(options["actor"])
        patch = {"verdict": options["decide"]}
        decided = shell.submit(action=verdicts.DECIDE, actor=actor, reason=options["reason"], patch=patch)
        self.stdout.write(f"Recorded: {decided}. {len(decided.alarms)} thing(s) stood to be looked at.")


def _last_decision() -> str:
    decided = review.last_decision()
    return f"{decided}: {decided.note}" if decided else "No review has been recorded yet."


def _print_section(console: Console, section: Section) -> None:
    console.print(f"\n[bold underline]{escape(section.title)}[/bold underline]")
    for table in section.tables:
        if table.rows:
            console.print(_rich(table))
        elif table.empty:
            console.print(f"[dim]{escape(table.title)}: {escape(table.empty)}[/dim]")


def _rich(table: Table) -> RichTable:
    drawn = RichTable(title=table.title, title_justify="left")
    for column in table.columns:
        drawn.add_column(column, overflow="fold")  # a name is broken before it is cut off
    for row in table.rows:
        drawn.add_row(*(escape(cell) for cell in row))
    return drawn
