"""``manage.py run_job``: one job once, for cron or a timer in place of run_scheduler."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from governance.errors import NotFound
from governance.jobs import kernel, running
from governance.models import JobRun


class Command(BaseCommand):
    """Run a job."""

    help = "Run one job now, unless it is running elsewhere. Exit status 1: it failed. Without a name: list the jobs."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take which."""
        parser.add_argument("name", nargs="?", help="The job.")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Run it and say how it went."""
        if options["name"] is None:
            for job in kernel.every():
                self.stdout.write(f"{job.name:12} every {job.every}")
            return
        try:
            ran = running.run(kernel.named(options["name"]), if_due=False)
        except NotFound as wrong:
            raise CommandError(str(wrong)) from None
        if ran is None:
            self.stdout.write(f"{options['name']} is running elsewhere.")
        elif ran.outcome == JobRun.Outcome.FAILED:
            raise CommandError(f"{ran.name} failed: {ran.detail}")
        else:
            self.stdout.write(f"{ran.name}: {ran.detail}")
