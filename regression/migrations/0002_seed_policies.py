"""The tripwires that a new installation starts with, all disabled."""

from decimal import Decimal
from typing import Any

from django.db import migrations
from django.utils import timezone

# domain, metric: the drop that triggers, what it pulls
POLICIES = {
    ("WHOLESALE", "contract_rate"): (Decimal("0.20"), "THROTTLE"),
    ("WHOLESALE", "offer_accept_rate"): (Decimal("0.15"), "THROTTLE"),
    ("BUYER_MATCH", "match_success"): (Decimal("0.25"), "THROTTLE"),
    ("CAPITAL", "roi_event"): (Decimal("0.30"), "KILL_SWITCH"),
}


def seed(apps: Any, _schema_editor: Any) -> None:
    now = timezone.now()
    for (domain, metric), (drop, action) in POLICIES.items():
        defaults = {
            "window_events": 50,
            "baseline_events": 200,
            "min_events_to_enforce": 50,
            "max_drop_fraction": drop,
            "action": action,
            "enabled": False,
            "changed_by": "seed",
            "reason": "seed",
            "created_at": now,
            "updated_at": now,
        }
        policies = apps.get_model("regression", "RegressionPolicy").objects
        policies.get_or_create(domain=domain, metric=metric, defaults=defaults)


def lift_holds(apps: Any, _schema_editor: Any) -> None:
    # Without its tables no tripwire can be re-armed, so nothing may stay pinned by one.
    apps.get_model("governance", "Hold").objects.filter(source="regression").delete()


class Migration(migrations.Migration):
    dependencies = [
        ("regression", "0001_initial"),
        ("governance", "0002_seed"),
    ]

    operations = [migrations.RunPython(seed, lift_holds)]
