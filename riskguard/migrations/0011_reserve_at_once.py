"""The decision on reservations writes what a call decides at once, not order by order."""

from pathlib import Path

from django.db import migrations

from governance.operations import RunPostgreSQL

SQL = Path(__file__).parent.parent / "sql"
# The last function of its file.
BEFORE = (SQL / "reserve_v1.sql").read_text().partition("CREATE FUNCTION risk_reserve_v1")[2]
BACK = f"""
CREATE OR REPLACE FUNCTION risk_reserve_v1{BEFORE}
DROP FUNCTION risk_room_v2, risk_recent_v1;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("riskguard", "0010_open_index"),
    ]

    operations = [RunPostgreSQL((SQL / "reserve_v1_at_once.sql").read_text(), BACK)]
