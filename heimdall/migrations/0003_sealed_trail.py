from django.db import migrations, models

import governance.appendonly
from governance.appendonly import Guard


class Migration(migrations.Migration):
    dependencies = [
        ("governance", "0003_sealed_trail"),
        ("heimdall", "0002_seed_policies"),
    ]

    operations = [
        migrations.AddField(
            model_name="heimdallevent",
            name="tx",
            field=models.BigIntegerField(
                db_default=governance.appendonly.TransactionId(),
                editable=False,
                help_text="The transaction that wrote the row; the database sets it, and the sealer goes by it.",
            ),
        ),
        migrations.AddIndex(
            model_name="heimdallevent",
            index=models.Index(fields=["tx", "id"], name="heimdall_event_in_order"),
        ),
        Guard("heimdall_event"),
    ]
