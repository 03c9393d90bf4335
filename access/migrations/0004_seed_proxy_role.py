"""The role of a proxy that asks the gate for services which do not know it."""

from typing import Any

from django.db import migrations


def seed(apps: Any, _schema_editor: Any) -> None:
    apps.get_model("auth", "Group").objects.get_or_create(name="proxy")


class Migration(migrations.Migration):
    dependencies = [
        ("access", "0003_quota"),
    ]

    operations = [migrations.RunPython(seed, migrations.RunPython.noop)]
