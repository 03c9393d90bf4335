"""The one row of the switches: disabled and released, with the hold that says so."""

from typing import Any

from django.db import migrations
from django.utils import timezone


def seed(apps: Any, _schema_editor: Any) -> None:
    now = timezone.now()
    defaults = {"changed_by": "seed", "reason": "Not enabled yet.", "updated_at": now}
    _state, created = apps.get_model("golive", "GoLiveState").objects.get_or_create(pk=1, defaults=defaults)
    if created:
        apps.get_model("governance", "Hold").objects.get_or_create(
            scope="*",
            source="golive",
            code="go_live_disabled",
            key="",
            defaults={"reason": "Not enabled yet.", "rank": 20, "enforced_only": True, "since": now},
        )


def lift_holds(apps: Any, _schema_editor: Any) -> None:
    apps.get_model("governance", "Hold").objects.filter(source="golive").delete()


class Migration(migrations.Migration):
    dependencies = [
        ("golive", "0001_initial"),
        ("governance", "0002_seed"),
    ]

    operations = [migrations.RunPython(seed, lift_holds)]
