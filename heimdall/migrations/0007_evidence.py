from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("heimdall", "0006_retired"),
    ]

    operations = [
        migrations.CreateModel(
            name="HeimdallEvidence",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("domain", models.CharField(help_text="The domain.", max_length=64, unique=True)),
                (
                    "start",
                    models.PositiveIntegerField(
                        default=1,
                        help_text="Which start this is: each may spend a smaller share of the error that all may make.",
                    ),
                ),
                (
                    "started_at",
                    models.DateTimeField(
                        help_text="Since when trials count (UTC): the policy's creation, or a restart."
                    ),
                ),
                ("started_by", models.CharField(help_text="Who began it.", max_length=150)),
                ("reason", models.TextField(blank=True, help_text="Why.")),
                ("trials", models.PositiveBigIntegerField(default=0, help_text="Sandbox trials since then.")),
                ("successes", models.PositiveBigIntegerField(default=0, help_text="Those that succeeded.")),
                (
                    "admitted_at",
                    models.DateTimeField(
                        blank=True,
                        help_text="Since when they admit the domain under ANYTIME (UTC); empty: they do not.",
                        null=True,
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "heimdall evidence",
                "db_table": "heimdall_evidence",
                "ordering": ["domain"],
            },
        ),
        migrations.AddField(
            model_name="heimdallpolicy",
            name="evidence_rule",
            field=models.CharField(
                choices=[
                    ("POINT", "enough trials and the success rate, over the evidence window"),
                    ("ANYTIME", "proof beyond chance that the true rate is reached, over all trials since a start"),
                ],
                db_default="POINT",
                default="POINT",
                help_text="POINT reads the success rate over the evidence window; ANYTIME wants proof over all trials since a fixed start, and may be looked at as often as you like.",
                max_length=16,
            ),
        ),
        migrations.AddConstraint(
            model_name="heimdallpolicy",
            constraint=models.CheckConstraint(
                condition=models.Q(("evidence_rule__in", ["POINT", "ANYTIME"])), name="heimdall_evidence_rule_is_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="heimdallevidence",
            constraint=models.CheckConstraint(
                condition=models.Q(("domain", ""), _negated=True), name="heimdall_evidence_is_named"
            ),
        ),
        migrations.AddConstraint(
            model_name="heimdallevidence",
            constraint=models.CheckConstraint(
                condition=models.Q(("start__gte", 1)), name="heimdall_evidence_is_numbered"
            ),
        ),
        migrations.AddConstraint(
            model_name="heimdallevidence",
            constraint=models.CheckConstraint(
                condition=models.Q(("successes__gte", 0), ("successes__lte", models.F("trials"))),
                name="heimdall_evidence_successes_in_trials",
            ),
        ),
    ]
