from django.db import migrations, models

import governance.appendonly
from governance.appendonly import Guard


class Migration(migrations.Migration):
    dependencies = [
        ("governance", "0003_sealed_trail"),
        ("regression", "0002_seed_policies"),
    ]

    operations = [
        migrations.AddField(
            model_name="kpievent",
            name="tx",
            field=models.BigIntegerField(
                db_default=governance.appendonly.TransactionId(),
                editable=False,
                help_text="The transaction that wrote the row; the database sets it, and the sealer goes by it.",
            ),
        ),
        migrations.AddIndex(
            model_name="kpievent",
            index=models.Index(fields=["tx", "id"], name="kpi_in_order"),
        ),
        Guard("kpi_event", deletes=True),
    ]
