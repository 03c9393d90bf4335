from django.db import migrations, models

import governance.appendonly
from governance.appendonly import Guard


class Migration(migrations.Migration):
    dependencies = [
        ("governance", "0003_sealed_trail"),
        ("riskguard", "0002_seed_policies"),
    ]

    operations = [
        migrations.AddField(
            model_name="riskevent",
            name="tx",
            field=models.BigIntegerField(
                db_default=governance.appendonly.TransactionId(),
                editable=False,
                help_text="The transaction that wrote the row; the database sets it, and the sealer goes by it.",
            ),
        ),
        migrations.AddIndex(
            model_name="riskevent",
            index=models.Index(fields=["tx", "id"], name="risk_event_in_order"),
        ),
        Guard("risk_event"),
        # What was reserved never changes, and a resolution is final, but for the late settle of an expired one.
        Guard(
            "risk_reservation",
            "OLD.status IN ('SETTLED', 'RELEASED') OR (OLD.status = 'EXPIRED' AND NEW.status <> 'SETTLED') "
            "OR NEW.engine <> OLD.engine OR NEW.amount <> OLD.amount OR NEW.currency <> OLD.currency "
            "OR NEW.day <> OLD.day OR NEW.actor <> OLD.actor OR NEW.created_at <> OLD.created_at "
            "OR NEW.body_digest <> OLD.body_digest",
        ),
    ]
