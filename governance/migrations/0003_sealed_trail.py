from typing import Any

from django.db import migrations, models

import governance.appendonly
from governance.appendonly import Guard


def create_function(_apps: Any, schema_editor: Any) -> None:
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(
            "CREATE FUNCTION governance_refuse_change_v1() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            "RAISE EXCEPTION '% is append-only: this % is refused', TG_TABLE_NAME, lower(TG_OP) "
            "USING ERRCODE = 'integrity_constraint_violation'; END $$",
            params=None,
        )


def drop_function(_apps: Any, schema_editor: Any) -> None:
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("DROP FUNCTION governance_refuse_change_v1()", params=None)


class Migration(migrations.Migration):
    dependencies = [
        ("governance", "0002_seed"),
    ]

    operations = [
        migrations.RunPython(create_function, drop_function),
        migrations.CreateModel(
            name="Seal",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "tx",
                    models.BigIntegerField(
                        db_default=governance.appendonly.TransactionId(),
                        editable=False,
                        help_text="The transaction that wrote the row; the database sets it, and the sealer goes by it.",
                    ),
                ),
                ("chain", models.PositiveIntegerField(help_text="The chain; a restored database begins a new one.")),
                ("number", models.PositiveBigIntegerField(help_text="Its place in the chain, from 1 without a gap.")),
                (
                    "previous",
                    models.CharField(
                        help_text="The hash of the seal before; of the first, the old chain's.", max_length=64
                    ),
                ),
                (
                    "text",
                    models.TextField(help_text="What is sealed: boundaries, counts and each row's SHA-256, as JSON."),
                ),
                (
                    "hash",
                    models.CharField(help_text="SHA-256 of the text, in hexadecimal.", max_length=64, unique=True),
                ),
                ("rows", models.PositiveIntegerField(help_text="How many rows it seals.")),
                ("sealed_at", models.DateTimeField(help_text="When (UTC, the database's clock).")),
            ],
            options={
                "db_table": "audit_seal",
                "ordering": ["-chain", "-number"],
            },
        ),
        migrations.AddField(
            model_name="auditevent",
            name="tx",
            field=models.BigIntegerField(
                db_default=governance.appendonly.TransactionId(),
                editable=False,
                help_text="The transaction that wrote the row; the database sets it, and the sealer goes by it.",
            ),
        ),
        migrations.AddIndex(
            model_name="auditevent",
            index=models.Index(fields=["tx", "id"], name="audit_in_order"),
        ),
        migrations.AddIndex(
            model_name="auditevent",
            index=models.Index(fields=["at"], name="audit_by_time"),
        ),
        migrations.AddConstraint(
            model_name="seal",
            constraint=models.UniqueConstraint(fields=("chain", "number"), name="seal_once"),
        ),
        migrations.AddConstraint(
            model_name="seal",
            constraint=models.CheckConstraint(
                condition=models.Q(("chain__gte", 1), ("number__gte", 1)), name="seal_is_numbered"
            ),
        ),
        Guard("audit_event"),
        Guard("audit_seal"),
    ]
