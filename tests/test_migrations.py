"""Every app goes down to zero and up again with rows in its tables, and comes up with the documented seed rows."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest
from django.apps import apps
from django.contrib.auth.models import Group
from django.core.management import call_command
from django.db import connection

from golive.models import GoLiveState
from governance import readiness, roles, seeds
from governance.models import Epoch, Hold
from heimdall.models import HeimdallPolicy
from regression.models import RegressionPolicy
from riskguard.models import RiskPolicy
from tests import migrating
from tests.governance.factories import HoldFactory
from tests.rows import ROWS, our_models

HOLDERS = ("golive", "riskguard", "regression")
OUR_APPS = sorted({model._meta.app_label for model in our_models()})


@pytest.fixture
def _rows(transactional_db: None) -> Iterator[None]:
    """Put a row into every table; afterwards everything is migrated and seeded, whatever the test did."""
    seeds.restore(actor="seed")
    _fill()
    yield
    if readiness.unapplied_migrations():
        call_command("migrate", verbosity=0)
    seeds.restore(actor="seed")


def _fill() -> None:
    for model in our_models():
        if not model._default_manager.exists():
            ROWS[model]()
    assert all(model._default_manager.exists() for model in our_models())


def _tables() -> set[str]:
    return set(connection.introspection.table_names())


def _tables_of(app: str) -> set[str]:
    return {model._meta.db_table for model in apps.get_app_config(app).get_models()}


@pytest.mark.sqlite
@pytest.mark.usefixtures("_rows")
def test_all_go_down_to_zero_and_up_again_with_rows_in_every_table() -> None:
    migrating.to(*((app, None) for app in OUR_APPS))
    assert not set().union(*map(_tables_of, OUR_APPS)) & _tables()
    call_command("migrate", verbosity=0)
    _all_is_there()


# Each app alone and all together ask a database for the same; what differs is who else is there.
@pytest.mark.postgresql
@pytest.mark.usefixtures("_rows")
def test_each_goes_down_to_zero_and_up_again_beside_the_others() -> None:
    for app in OUR_APPS:
        _fill()
        for holder in HOLDERS:
            HoldFactory(source=holder, pins="kill_switch")
        migrating.to((app, None))
        assert not _tables_of(app) & _tables()
        if app in HOLDERS:
            # Who could lift them is gone, so nothing stays held or pinned by it.
            assert not Hold.objects.filter(source=app).exists()
        migrating.up()
        _all_is_there()


def _all_is_there() -> None:
    assert set().union(*map(_tables_of, OUR_APPS)) <= _tables()
    assert readiness.unapplied_migrations() == []
    assert seeds.missing() == []
    assert readiness.checklist()["ok"]


def test_every_model_of_ours_has_a_row_for_the_tests_of_its_tables() -> None:
    assert set(ROWS) == set(our_models())


@pytest.mark.django_db
def test_a_new_installation_has_the_documented_rows() -> None:
    """The table of seed rows, to the figure; money in minor units."""
    assert GoLiveState.objects.values_list("pk", "go_live_enabled", "kill_switch_engaged").get() == (1, False, False)
    assert Epoch.objects.get().pk == 1
    assert set(Group.objects.values_list("name", flat=True)) == set(roles.ROLES)
    assert set(
        RiskPolicy.objects.values_list(
            "engine", "max_daily_loss", "max_daily_exposure", "max_open_risk", "enabled", "max_amount_per_action",
            "max_actions_per_day", "max_actions_per_minute",
        )
    ) == {
        ("GLOBAL", 250_00, 1_500_00, 1_500_00, True, None, None, None),
        ("WHOLESALE", 200_00, 1_000_00, 1_000_00, True, None, None, None),
        ("CAPITAL", 150_00, 750_00, 750_00, True, None, None, None),
        ("NOTIFY", 0, 0, 0, False, None, None, None),
    }  # fmt: skip
    assert set(
        HeimdallPolicy.objects.values_list(
            "domain", "engine", "min_confidence_prod", "min_sandbox_trials", "min_sandbox_success_rate",
            "prod_use_enabled", "evidence_days",
        )
    ) == {
        ("WHOLESALE_OFFER", "WHOLESALE", Decimal("0.92"), 75, Decimal("0.82"), False, 1),
        ("BUYER_MATCH", "BUYER_MATCH", Decimal("0.90"), 50, Decimal("0.80"), False, 1),
        ("CAPITAL_ROUTE", "CAPITAL", Decimal("0.95"), 100, Decimal("0.85"), False, 1),
        ("FOLLOWUP_NEXT_ACTION", "NOTIFY", Decimal("0.90"), 60, Decimal("0.80"), False, 1),
    }  # fmt: skip
    assert set(
        RegressionPolicy.objects.values_list(
            "domain", "metric", "max_drop_fraction", "action", "window_events", "baseline_events",
            "min_events_to_enforce", "enabled",
        )
    ) == {
        ("WHOLESALE", "contract_rate", Decimal("0.20"), "THROTTLE", 50, 200, 50, False),
        ("WHOLESALE", "offer_accept_rate", Decimal("0.15"), "THROTTLE", 50, 200, 50, False),
        ("BUYER_MATCH", "match_success", Decimal("0.25"), "THROTTLE", 50, 200, 50, False),
        ("CAPITAL", "roi_event", Decimal("0.30"), "KILL_SWITCH", 50, 200, 50, False),
    }  # fmt: skip
    assert {(hold.scope, hold.source, hold.code) for hold in Hold.objects.all()} == {
        ("*", "golive", "go_live_disabled"), ("NOTIFY", "riskguard", "policy_disabled"),
    }  # fmt: skip
