from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("riskguard", "0008_tell_of_expiry"),
    ]

    operations = [
        migrations.AlterField(
            model_name="riskpolicy",
            name="fallback",
            field=models.JSONField(
                blank=True,
                db_default=models.Value({}, models.JSONField()),
                default=dict,
                help_text="What controls go back to then, as they stood.",
            ),
        ),
    ]
