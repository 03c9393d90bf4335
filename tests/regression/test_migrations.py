from __future__ import annotations

import pytest
from django.core.management import call_command
from django.db import connection

from governance import seeds as every_seed
from governance.models import Hold
from regression.models import KpiEvent, RegressionGap, RegressionIncident, RegressionPolicy, RegressionState
from tests.regression.factories import rearm, record, tripped

TABLES = {
    "kpi_event", "regression_policy", "regression_state", "regression_incident", "regression_gap",
}  # fmt: skip


@pytest.mark.django_db(transaction=True)
def test_migrates_down_to_zero_and_up_again_with_rows_in_the_tables() -> None:
    every_seed.restore(actor="seed")
    tripped()
    rearm()
    record("FFFF")
    for model in (KpiEvent, RegressionPolicy, RegressionState, RegressionGap, RegressionIncident):
        assert model._default_manager.exists()
    assert Hold.objects.filter(source="regression").exists()
    try:
        call_command("migrate", "regression", "zero", verbosity=0)
        assert not TABLES & set(connection.introspection.table_names())
        # No tripwire is left that could be re-armed, so none pins anything.
        assert not Hold.objects.filter(source="regression").exists()
    finally:
        call_command("migrate", "regression", verbosity=0)
    assert set(connection.introspection.table_names()) >= TABLES
    assert RegressionPolicy.objects.count() == 4
    assert not KpiEvent.objects.exists()
    tripped()
