"""``manage.py heimdall_report``: how honest the stated confidences are, domain by domain."""

from __future__ import annotations

import json
from typing import IO, Any, cast

from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console
from rich.table import Table

from governance import names
from heimdall import reporting
from heimdall.calibration import Report, Share
from heimdall.reporting import Domain


class Command(BaseCommand):
    """Show the calibration."""

    help = (
        "The calibration of each domain by the outcomes of what was authorized: a reliability table with 95% "
        "intervals, the Brier score, and the expected calibration error beside that of a perfectly calibrated model."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Take which domain, and the form."""
        parser.add_argument("--domain", default="", help="This domain alone.")
        parser.add_argument("--json", action="store_true", help="Print JSON instead of tables.")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Print the report."""
        try:
            only = names.engine(options["domain"]) if options["domain"] else None
        except ValueError as wrong:
            raise CommandError(f"--domain: {wrong}") from None
        found = reporting.domains(only)
        if only is not None and not found:
            raise CommandError(f"There is no Heimdall policy for {only}.")
        if options["json"]:
            self.stdout.write(json.dumps([reporting.document(domain) for domain in found], indent=2))
            return
        console = Console(
            file=cast("IO[str]", self.stdout), force_terminal=getattr(self.stdout, "isatty", bool)() or None
        )
        for domain in found:
            _print(console, domain)


def _print(console: Console, domain: Domain) -> None:
    name, report = domain.policy.domain, domain.report
    console.print(f"\n[bold underline]{name}[/bold underline]")
    if report is None:
        console.print("[dim]No outcome is known: report them by heimdall/recommendations/ID/outcome.[/dim]")
        return
    console.print(
        f"{report.share.outcomes:,} outcomes, {_rate(report.share)}; stated {report.stated:.3f} on average.\n"
        f"Brier score {report.brier:.4f} (perfectly calibrated: {report.perfect.brier:.4f}); "
        f"calibration error {report.ece:.4f} (perfectly calibrated: {report.perfect.ece:.4f} on average)."
    )
    console.print(reporting.verdict(report))
    console.print(_reliability(report))
    console.print(_thresholds(report))
    console.print(f"[dim]{reporting.below(domain.policy)}[/dim]")


def _reliability(report: Report) -> Table:
    drawn = Table(
        "Confidence", "Stated", "Succeeded (95% interval)", "Outcomes", title="Reliability", title_justify="left"
    )
    for one in report.bins:
        drawn.add_row(
            f"{one.least:g} to {one.most:g}", f"{one.stated:.3f}", _rate(one.share), f"{one.share.outcomes:,}"
        )
    return drawn


def _thresholds(report: Report) -> Table:
    drawn = Table("At least", "Kept", "Succeeded (95% interval)", title="Thresholds", title_justify="left")
    for one in report.thresholds:
        drawn.add_row(f"{one.confidence:g}", f"{one.kept:.0%}", _rate(one.share))
    return drawn


def _rate(share: Share) -> str:
    return f"{share.rate:.3f} ({share.low:.3f} to {share.high:.3f})"
