"""``manage.py replay_tripwire``: what settings of a tripwire would have done, and what to expect of them."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any, cast

from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table

from governance import names
from governance.errors import Invalid
from regression import comparing, histories, selectors, simulation, words
from regression.comparing import Tried
from regression.histories import History
from regression.models import RegressionPolicy

SHOWN_TRIPS = 5
MAX_TRIALS = 10_000
WIDTH = 118  # of a table in a file


class Command(BaseCommand):
    """Replay a history against settings of a tripwire."""

    help = (
        "Try settings of a tripwire on its recorded history or on a CSV file, before a threshold goes live: when each "
        "would have tripped, and, by simulation from the rate of its baseline, its false alarms per 1,000 events and "
        "the median delay of drops of 10, 20, 30 and 50 percent. What is not named is taken from the tripwire's policy."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the history, the settings, and the form of the answer."""
        parser.add_argument("--domain", type=names.engine, help="With --metric: the tripwire whose history it is.")
        parser.add_argument("--metric", type=names.metric, help="With --domain.")
        parser.add_argument(
            "--csv", metavar="FILE", help="A history from a file: true, false or a number a line, or columns named "
            "success and value, and maybe at.",
        )  # fmt: skip
        parser.add_argument(
            "--events", type=_whole(1, histories.MAX_HISTORY), default=20_000, help="How many of the newest events."
        )
        parser.add_argument("--detector", help="WINDOW, SEQUENTIAL, or both with a comma (default: both).")
        parser.add_argument("--max-drop", help="Thresholds with commas between them, such as 0.1,0.2,0.3.")
        told = {field.name: str(field.help_text) for field in RegressionPolicy._meta.fields}
        for control in comparing.TRIED:
            parser.add_argument(f"--{control.replace('_', '-')}", help=told[control].replace("%", "%%"))
        parser.add_argument("--seed", type=int, default=1, help="The same seed gives the same forecast (default: 1).")
        parser.add_argument(
            "--trials", type=_whole(0, MAX_TRIALS), default=simulation.TRIALS,
            help=f"Simulated streams of each setting (default: {simulation.TRIALS}); 0: no forecast.",
        )  # fmt: skip
        parser.add_argument("--json", action="store_true", help="Print JSON instead of tables.")
        parser.add_argument("--png", metavar="FILE", help="Draw it, too (needs matplotlib).")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Replay, simulate and print."""
        draw = _pen() if options["png"] else None
        asked = {"seed": options["seed"], "trials": options["trials"]}
        try:
            base, history = _asked(options)
            patch = {name: options[name] for name in comparing.TRIED if options[name] is not None}
            if not patch.keys().isdisjoint(comparing.OF_A_PIN):
                # They are of the next pin, not of those that were in force.
                history = dataclasses.replace(history, pins=())
            policies = comparing.variants(
                base,
                detectors=_split(options["detector"]) or comparing.DETECTORS,
                drops=_split(options["max_drop"]) or [base.max_drop_fraction],
                patch=patch,
            )
        except Invalid as wrong:
            raise CommandError(str(wrong)) from None
        with _progress() as report:
            found = comparing.compare(history, policies, **asked, progress=report)
        if options["json"]:
            self.stdout.write(json.dumps(comparing.told(history, found, **asked), indent=2))
        else:
            self._print(history.timed([trip.event for tried in found for trip in tried.outcome.trips]), found, **asked)
        if draw is not None:
            try:
                draw(options["png"], history, found)
            except (OSError, ValueError) as wrong:
                raise CommandError(f"--png: {wrong}") from None
            self.stderr.write(f"Drew {options['png']}.")

    def _print(self, history: History, found: list[Tried], *, seed: int, trials: int) -> None:
        console = Console(file=cast("IO[str]", self.stdout), width=None if self.stdout.isatty() else WIDTH)
        held = f" of {history.held:,}" if history.held > len(history.events) else ""
        span = f", {history.when(1)} to {history.when(len(history.events))}" if history.when(1) else ""
        console.print(escape(f"{history.source}: {len(history.events):,}{held} events{span}"))
        table = Table("Setting", "Baseline", "Trips", "First trip")
        for title in ("False alarms\nper 1,000", "In 5,000\never", *(f"-{drop:.0%}" for drop in simulation.DROPS)):
            table.add_column(title, justify="right")
        for tried in found:
            table.add_row(*map(escape, _row(history, tried)))
        console.print(table)
        if trials:
            console.print(
                f"False alarms and median delays (events from a drop of so much to the trip) of {trials:,} simulated "
                f"streams, seed {seed}; -: none within {simulation.HORIZON:,}."
            )
        for tried in found:
            if said := words.doubt(tried.outcome):
                console.print(escape(f"{tried.name}: {said}"))
            if tried.outcome.trips:
                console.print(escape(f"{tried.name} would have tripped {_trips(history, tried)}"))


def _asked(options: dict[str, Any]) -> tuple[RegressionPolicy, History]:
    """Return the policy whose settings are varied, and the history; CommandError says what is missing."""
    domain, metric, file = options["domain"], options["metric"], options["csv"]
    if (domain is None) != (metric is None):
        raise CommandError("Name both --domain and --metric.")
    if domain is None and file is None:
        raise CommandError("Say which history: --domain DOMAIN --metric METRIC, or --csv FILE.")
    base = RegressionPolicy() if domain is None else selectors.policy(domain, metric)
    if file is not None:
        return base or RegressionPolicy(), _read(file, options["events"])
    history = histories.recorded(domain, metric, limit=options["events"])
    if not history.events:
        raise CommandError(f"No event of {domain}/{metric} is recorded: check the names, or give a history by --csv.")
    return base or RegressionPolicy(), history


def _read(file: str, limit: int) -> History:
    try:
        with Path(file).open(encoding="utf-8-sig", newline="") as lines:
            return histories.of_csv(file, lines, limit=limit)
    except Invalid as wrong:
        raise CommandError(f"{file}: {wrong.errors['csv'][0]}") from None
    except OSError as wrong:
        raise CommandError(f"{file} cannot be read: {wrong.strerror}.") from None
    except UnicodeDecodeError:
        raise CommandError(f"{file} is not UTF-8 text.") from None


def _pen() -> Callable[[str, History, list[Tried]], None]:
    try:
        from regression import drawing  # noqa: PLC0415 -- matplotlib takes half a second, and may not be there
    except ImportError:
        raise CommandError(
            "--png needs matplotlib, which is not installed: pip install -c constraints.txt matplotlib"
        ) from None
    return drawing.draw


@contextlib.contextmanager
def _progress() -> Iterator[Callable[[float], None]]:
    """Show how far it is at a terminal; what is piped elsewhere stays clean."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as progress:
        task = progress.add_task("Replaying", total=1.0)
        yield lambda done: progress.update(task, completed=done)


def _row(history: History, tried: Tried) -> list[str]:
    outcome, forecast = tried.outcome, tried.outcome.forecast
    first = outcome.trips[0].event if outcome.trips else 0
    row = [
        tried.name,
        "-" if outcome.baseline is None else f"{outcome.baseline:.4g}",
        f"{len(outcome.trips):,}",
        f"event {first:,}" if first else "never",
    ]
    if forecast is None:
        return [*row, *("-" for _column in range(2 + len(simulation.DROPS)))]
    delays = ["-" if delay is None else f"{delay:,.0f}" for delay in forecast.median_delays.values()]
    return [*row, f"{forecast.false_alarms_per_1000:.3g}", f"{forecast.false_alarm_probability:.0%}", *delays]


def _trips(history: History, tried: Tried) -> str:
    trips = tried.outcome.trips
    said = [
        f"at event {trip.event:,}{f' ({at})' if (at := history.when(trip.event)) else ''}, a drop of "
        f"{words.share(trip.drop)} that began near event {trip.onset:,}"
        for trip in trips[:SHOWN_TRIPS]
    ]
    more = f"; and {len(trips) - SHOWN_TRIPS:,} more" if len(trips) > SHOWN_TRIPS else ""
    return "; ".join(said) + more + "."


def _split(text: str | None) -> list[str]:
    return [part.strip().upper() for part in (text or "").split(",") if part.strip()]


def _whole(least: int, most: int) -> Callable[[str], int]:
    def number(text: str) -> int:
        if not (text.isascii() and text.isdigit() and least <= int(text[:12]) <= most):
            raise argparse.ArgumentTypeError(f"must be a whole number from {least:,} to {most:,}")
        return int(text)

    return number
