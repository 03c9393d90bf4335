"""What expires in a call of the database's function is put into the outbox too."""

from pathlib import Path

from django.db import migrations

from governance.operations import RunPostgreSQL

SQL = Path(__file__).parent.parent / "sql"
BEFORE = (SQL / "reserve_v1.sql").read_text().partition("CREATE FUNCTION risk_expire_v1")[2].partition("$$;")[0]


class Migration(migrations.Migration):
    dependencies = [
        ("riskguard", "0007_ends_and_retirement"),
        ("governance", "0010_notice"),
    ]

    operations = [
        RunPostgreSQL((SQL / "expire_v1.sql").read_text(), f"CREATE OR REPLACE FUNCTION risk_expire_v1{BEFORE}$$;")
    ]
