from pathlib import Path

from django.db import migrations, models

from governance.operations import RunPostgreSQL

RECORD = (Path(__file__).parent.parent / "sql" / "record_v1.sql").read_text().replace("CREATE F", "CREATE OR REPLACE F")
# What it did before: it knew no end.
END = RECORD[RECORD.index("    -- What was weakened") : RECORD.index("    IF policy.enabled OR policy.pinning")]


class Migration(migrations.Migration):
    dependencies = [
        ("regression", "0008_retired"),
    ]

    operations = [
        migrations.AddField(
            model_name="regressionpolicy",
            name="fallback",
            field=models.JSONField(
                blank=True,
                db_default=models.Value({}, models.JSONField()),
                default=dict,
                help_text="What controls go back to then, as they stood.",
            ),
        ),
        migrations.AddField(
            model_name="regressionpolicy",
            name="until",
            field=models.DateTimeField(
                blank=True, help_text="When what was loosened goes back to how it stood (UTC); empty: never.", null=True
            ),
        ),
        migrations.AddConstraint(
            model_name="regressionpolicy",
            constraint=models.CheckConstraint(
                condition=models.Q(("until__isnull", False), ("fallback", {}), _connector="OR"),
                name="regression_policy_falls_back_at_an_end",
            ),
        ),
        RunPostgreSQL(RECORD, RECORD.replace(END, "")),
    ]
