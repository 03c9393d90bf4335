"""The policies that a new installation starts with, all off."""

from decimal import Decimal
from typing import Any

from django.db import migrations
from django.utils import timezone

# domain: engine, least confidence, least trials, least success rate
POLICIES = {
    "WHOLESALE_OFFER": ("WHOLESALE", Decimal("0.92"), 75, Decimal("0.82")),
    "BUYER_MATCH": ("BUYER_MATCH", Decimal("0.90"), 50, Decimal("0.80")),
    "CAPITAL_ROUTE": ("CAPITAL", Decimal("0.95"), 100, Decimal("0.85")),
    "FOLLOWUP_NEXT_ACTION": ("NOTIFY", Decimal("0.90"), 60, Decimal("0.80")),
}


def seed(apps: Any, _schema_editor: Any) -> None:
    now = timezone.now()
    for domain, (engine, confidence, trials, rate) in POLICIES.items():
        defaults = {
            "engine": engine,
            "min_confidence_prod": confidence,
            "min_sandbox_trials": trials,
            "min_sandbox_success_rate": rate,
            "prod_use_enabled": False,
            "evidence_days": 1,
            "changed_by": "seed",
            "reason": "seed",
            "created_at": now,
            "updated_at": now,
        }
        apps.get_model("heimdall", "HeimdallPolicy").objects.get_or_create(domain=domain, defaults=defaults)


class Migration(migrations.Migration):
    dependencies = [("heimdall", "0001_initial")]

    # Going back leaves the rows: an operator may have edited them, and 0001 drops their table anyway.
    operations = [migrations.RunPython(seed, migrations.RunPython.noop)]
