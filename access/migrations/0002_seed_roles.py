"""The roles that governance does not seed: who administers accounts, and who may break the glass."""

from typing import Any

from django.db import migrations

ROLES = ("administrator", "break_glass")


def seed(apps: Any, _schema_editor: Any) -> None:
    group = apps.get_model("auth", "Group")
    for name in ROLES:
        group.objects.get_or_create(name=name)


class Migration(migrations.Migration):
    dependencies = [
        ("access", "0001_initial"),
        ("governance", "0002_seed"),
    ]

    operations = [migrations.RunPython(seed, migrations.RunPython.noop)]
