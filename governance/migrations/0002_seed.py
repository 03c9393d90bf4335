"""The epoch's one row, and the roles."""

from typing import Any

from django.db import migrations

ROLES = ("viewer", "engine", "operator", "approver", "auditor")


def seed(apps: Any, _schema_editor: Any) -> None:
    apps.get_model("governance", "Epoch").objects.get_or_create(pk=1, defaults={"value": 1})
    group = apps.get_model("auth", "Group")
    for name in ROLES:
        group.objects.get_or_create(name=name)


class Migration(migrations.Migration):
    dependencies = [
        ("governance", "0001_initial"),
        ("auth", "0012_alter_user_first_name_max_length"),
    ]

    operations = [migrations.RunPython(seed, migrations.RunPython.noop)]
