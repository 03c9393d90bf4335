"""A hold may begin later: what is allowed for a time ends by it."""

from pathlib import Path

from django.db import migrations, models

from governance.operations import RunPostgreSQL

FOLDER = Path(__file__).parent.parent / "sql"
FORMER = (FOLDER / "holds_v1.sql").read_text().partition("-- The epoch")[0].replace("CREATE F", "CREATE OR REPLACE F")


class Migration(migrations.Migration):
    dependencies = [("governance", "0007_review_decision")]

    operations = [
        migrations.AddField(
            model_name="hold",
            name="starts_at",
            field=models.DateTimeField(blank=True, help_text="When it begins (UTC); empty: at once.", null=True),
        ),
        RunPostgreSQL((FOLDER / "holds_v1_starts.sql").read_text(), FORMER),
    ]
