from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("heimdall", "0003_sealed_trail"),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name="heimdallevent",
            name="heimdall_event_by_kind",
        ),
        migrations.AddIndex(
            model_name="heimdallevent",
            index=models.Index(fields=["kind", "-id"], name="heimdall_event_by_kind"),
        ),
        migrations.AddIndex(
            model_name="heimdallevent",
            index=models.Index(
                condition=models.Q(("kind__in", ["AUTHORIZE", "DENY"])),
                fields=["domain", "kind", "reason", "at"],
                name="heimdall_event_decisions",
            ),
        ),
    ]
