"""``manage.py export_audit_head``: print the end of the chain, to be kept somewhere else."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from governance.trail import sealing


class Command(BaseCommand):
    """Export the newest seal."""

    help = (
        "Print the newest seal as JSON. Keep it outside of the database: verify_audit --head FILE holds it against it."
    )

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Print it."""
        head = sealing.head()
        if head is None:
            raise CommandError("Nothing is sealed yet: run `python manage.py seal_audit` first.")
        told = {"chain": head.chain, "number": head.number, "hash": head.hash, "sealed_at": head.sealed_at.isoformat()}
        self.stdout.write(json.dumps(told))
