from django.db import migrations, models

import governance.appendonly
import governance.origin


class Migration(migrations.Migration):
    dependencies = [
        ("regression", "0006_batch_keys"),
    ]

    operations = [
        migrations.AddField(
            model_name="kpievent",
            name="request_id",
            field=models.CharField(
                blank=True,
                db_default=governance.appendonly.RequestId(),
                default=governance.origin.request_id,
                help_text="The request's id, the same in the answer's X-Request-ID, the log and the audit trail.",
                max_length=64,
            ),
        ),
    ]
