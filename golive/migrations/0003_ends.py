from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("golive", "0002_seed_state"),
    ]

    operations = [
        migrations.AddField(
            model_name="golivestate",
            name="fallback",
            field=models.JSONField(
                blank=True,
                db_default=models.Value({}, models.JSONField()),
                default=dict,
                help_text="What controls go back to then, as they stood.",
            ),
        ),
        migrations.AddField(
            model_name="golivestate",
            name="until",
            field=models.DateTimeField(
                blank=True, help_text="When what was loosened goes back to how it stood (UTC); empty: never.", null=True
            ),
        ),
        migrations.AddConstraint(
            model_name="golivestate",
            constraint=models.CheckConstraint(
                condition=models.Q(("until__isnull", False), ("fallback", {}), _connector="OR"),
                name="go_live_falls_back_at_an_end",
            ),
        ),
    ]
