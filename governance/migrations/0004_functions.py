"""The holds and the epoch as functions of the database, for the levers' own functions."""

from pathlib import Path

from django.db import migrations

from governance.operations import RunPostgreSQL

SQL = Path(__file__).parent.parent / "sql" / "holds_v1.sql"


class Migration(migrations.Migration):
    dependencies = [("governance", "0003_sealed_trail")]

    operations = [RunPostgreSQL(SQL.read_text(), "DROP FUNCTION governance_epoch_v1, governance_holds_v1")]
