"""The policies that a new installation starts with. Money in minor units: 250_00 is 250.00."""

from typing import Any

from django.db import migrations
from django.utils import timezone

# engine: daily loss, daily exposure, open risk, enabled
POLICIES = {
    "GLOBAL": (250_00, 1_500_00, 1_500_00, True),
    "WHOLESALE": (200_00, 1_000_00, 1_000_00, True),
    "CAPITAL": (150_00, 750_00, 750_00, True),
    "NOTIFY": (0, 0, 0, False),
}


def seed(apps: Any, _schema_editor: Any) -> None:
    now = timezone.now()
    for engine, (loss, exposure, open_risk, enabled) in POLICIES.items():
        defaults = {
            "max_daily_loss": loss,
            "max_daily_exposure": exposure,
            "max_open_risk": open_risk,
            "max_amount_per_action": None,
            "max_actions_per_day": None,
            "max_actions_per_minute": None,
            "enabled": enabled,
            "changed_by": "seed",
            "reason": "seed",
            "created_at": now,
            "updated_at": now,
        }
        _policy, created = apps.get_model("riskguard", "RiskPolicy").objects.get_or_create(
            engine=engine, defaults=defaults
        )
        if created and not enabled:
            apps.get_model("governance", "Hold").objects.get_or_create(
                scope=engine,
                source="riskguard",
                code="policy_disabled",
                key="",
                defaults={"reason": "seed", "rank": 30, "since": now},
            )


def lift_holds(apps: Any, _schema_editor: Any) -> None:
    apps.get_model("governance", "Hold").objects.filter(source="riskguard").delete()


class Migration(migrations.Migration):
    dependencies = [
        ("riskguard", "0001_initial"),
        ("governance", "0002_seed"),
    ]

    operations = [migrations.RunPython(seed, lift_holds)]
