from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("riskguard", "0004_reserve_function"),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name="riskevent",
            name="risk_event_by_time",
        ),
        migrations.AddIndex(
            model_name="riskevent",
            index=models.Index(fields=["at"], name="risk_event_by_time"),
        ),
        migrations.AddIndex(
            model_name="riskevent",
            index=models.Index(
                condition=models.Q(("kind", "DENY")), fields=["reason", "at"], name="risk_event_refusals"
            ),
        ),
        migrations.AddIndex(
            model_name="riskreservation",
            index=models.Index(
                condition=models.Q(("needs_review", True)), fields=["expires_at"], name="risk_reservation_unresolved"
            ),
        ),
    ]
