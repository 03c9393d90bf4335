"""``manage.py evaluate_tripwires``: evaluate every enabled tripwire, from cron or by hand."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from governance import names, origin
from governance.shell import operator
from regression import selectors, services
from regression.models import RegressionState

TRIGGERED = 3


class Command(BaseCommand):
    """Evaluate the tripwires."""

    help = "Evaluate every enabled tripwire and print a line for each. Exit status 3: at least one is triggered."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take which, and who asks."""
        parser.add_argument("--domain", type=_name(names.engine), help="Only this domain's.")
        parser.add_argument("--metric", type=_name(names.metric), help="Only this metric's.")
        parser.add_argument("--actor", default="", help="Who asks (default: the shell's user).")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Evaluate and print."""
        actor = operator(options["actor"])
        triggered = []
        found = selectors.enabled(options["domain"], options["metric"])
        for policy in found:
            with origin.of(via="command"):
                state = services.evaluate(domain=policy.domain, metric=policy.metric, actor=actor)
            if state is not None:
                self.stdout.write(f"{policy}: {_line(state)}")
                triggered += [str(policy)] if state.triggered else []
        if not found:
            self.stdout.write(
                "No such tripwire is enabled: enable one in the console or by regression/policies/upsert."
            )
        if triggered:
            message = f"Triggered: {', '.join(triggered)}. Mend the cause, then re-arm with a reason."
            raise CommandError(message, returncode=TRIGGERED)


def _name(spell: Any) -> Any:
    def name(text: str) -> str:
        return str(spell(text))

    return name


def _line(state: RegressionState) -> str:
    figures = (("baseline", state.baseline), ("current", state.current), ("drop", state.drop_fraction))
    told = " ".join(f"{name} {'-' if figure is None else f'{figure:.4g}'}" for name, figure in figures)
    return f"{'TRIGGERED' if state.triggered else 'not triggered'} {told}. {state.note}"
