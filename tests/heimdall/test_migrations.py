from __future__ import annotations

import pytest
from django.db import connection

from heimdall import services
from heimdall.models import HeimdallEvent, HeimdallPolicy, HeimdallRecommendation, HeimdallScorecardDay
from tests import migrating
from tests.heimdall.factories import earned
from tests.riskguard.factories import go_live

TABLES = {"heimdall_policy", "heimdall_scorecard_day", "heimdall_recommendation", "heimdall_event"}


@pytest.mark.postgresql  # it rebuilds no table; SQLite goes down and up in tests/test_migrations.py
@pytest.mark.django_db(transaction=True)
def test_migrates_down_to_zero_and_up_again_with_rows_in_the_tables() -> None:
    go_live()
    assert services.authorize(recommendation_id=earned("PRICING").pk, actor="engine").ok
    for model in (HeimdallPolicy, HeimdallScorecardDay, HeimdallRecommendation, HeimdallEvent):
        assert model._default_manager.exists()
    try:
        migrating.to(("heimdall", None))
        assert not TABLES & set(connection.introspection.table_names())
    finally:
        migrating.up()
    assert set(connection.introspection.table_names()) >= TABLES
    assert HeimdallPolicy.objects.count() == 4
    assert services.authorize(recommendation_id=earned("PRICING").pk, actor="engine").ok
