"""The decision on reservations as a function of the database: one round trip on PostgreSQL."""

from pathlib import Path

from django.db import migrations

from governance.operations import RunPostgreSQL

SQL = Path(__file__).parent.parent / "sql" / "reserve_v1.sql"
DROP = """
DROP FUNCTION risk_reserve_v1, risk_expire_v1, risk_figures_v1, risk_room_v1, risk_level_v1;
DROP TYPE risk_level_v1;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("riskguard", "0003_sealed_trail"),
        ("governance", "0004_functions"),
    ]

    operations = [RunPostgreSQL(SQL.read_text(), DROP)]
