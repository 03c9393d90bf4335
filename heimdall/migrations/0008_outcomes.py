from django.db import migrations, models

from governance.appendonly import Guard


class Migration(migrations.Migration):
    dependencies = [
        ("heimdall", "0007_evidence"),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="heimdallevent",
            name="heimdall_event_trial_has_outcome",
        ),
        migrations.RemoveConstraint(
            model_name="heimdallevent",
            name="heimdall_event_names_recommendation",
        ),
        migrations.RemoveConstraint(
            model_name="heimdallpolicy",
            name="heimdall_policy_is_named",
        ),
        migrations.AddField(
            model_name="heimdallpolicy",
            name="outcome_metric",
            field=models.CharField(
                db_default="recommendation_success",
                default="recommendation_success",
                help_text="The engine's metric that the outcomes of its recommendations become events of.",
                max_length=64,
            ),
        ),
        migrations.AddField(
            model_name="heimdallrecommendation",
            name="outcome",
            field=models.BooleanField(
                blank=True, help_text="Whether what was done turned out well; empty: not known.", null=True
            ),
        ),
        migrations.AddField(
            model_name="heimdallrecommendation",
            name="outcome_at",
            field=models.DateTimeField(blank=True, help_text="When that was told (UTC); empty: it was not.", null=True),
        ),
        migrations.AddField(
            model_name="heimdallrecommendation",
            name="outcome_by",
            field=models.CharField(
                blank=True, db_default="", default="", help_text="Who told it; empty: nobody.", max_length=150
            ),
        ),
        migrations.AlterField(
            model_name="heimdallevent",
            name="kind",
            field=models.CharField(
                choices=[
                    ("TRIAL", "trial"),
                    ("RECOMMEND", "recommend"),
                    ("AUTHORIZE", "authorize"),
                    ("OUTCOME", "outcome"),
                    ("DENY", "deny"),
                ],
                help_text="What was decided.",
                max_length=9,
            ),
        ),
        migrations.AlterField(
            model_name="heimdallevent",
            name="success",
            field=models.BooleanField(
                blank=True, help_text="How the trial ended, or the action turned out; empty: neither.", null=True
            ),
        ),
        migrations.AddIndex(
            model_name="heimdallrecommendation",
            index=models.Index(
                condition=models.Q(("outcome__isnull", False)), fields=["domain", "-id"], name="heimdall_rec_outcomes"
            ),
        ),
        migrations.AddConstraint(
            model_name="heimdallevent",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("kind__in", ["TRIAL", "OUTCOME"]), _negated=True),
                    models.Q(("confidence__isnull", False), ("success__isnull", False)),
                    _connector="OR",
                ),
                name="heimdall_event_trial_has_outcome",
            ),
        ),
        migrations.AddConstraint(
            model_name="heimdallevent",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("kind__in", ["RECOMMEND", "AUTHORIZE", "OUTCOME"]), _negated=True),
                    ("recommendation__isnull", False),
                    _connector="OR",
                ),
                name="heimdall_event_names_recommendation",
            ),
        ),
        migrations.AddConstraint(
            model_name="heimdallpolicy",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("domain", ""), _negated=True),
                    models.Q(("engine", ""), _negated=True),
                    models.Q(("outcome_metric", ""), _negated=True),
                ),
                name="heimdall_policy_is_named",
            ),
        ),
        migrations.AddConstraint(
            model_name="heimdallrecommendation",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("outcome__isnull", True), ("outcome_at__isnull", True), ("outcome_by", "")),
                    models.Q(
                        ("authorized_at__isnull", False),
                        ("outcome__isnull", False),
                        ("outcome_at__isnull", False),
                        models.Q(("outcome_by", ""), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="heimdall_recommendation_outcome_of_authorized",
            ),
        ),
        # What was done and what came of it is final; a recommendation whose outcome is not known has none to lose.
        Guard("heimdall_recommendation", "OLD.outcome IS NOT NULL", deletes=True),
    ]
