"""The recording of events as a function of the database: one round trip on PostgreSQL where nothing trips."""

from pathlib import Path

from django.db import migrations

from governance.operations import RunPostgreSQL

SQL = Path(__file__).parent.parent / "sql" / "record_v1.sql"


class Migration(migrations.Migration):
    dependencies = [("regression", "0004_detectors")]

    operations = [RunPostgreSQL(SQL.read_text(), "DROP FUNCTION kpi_record_v1")]
