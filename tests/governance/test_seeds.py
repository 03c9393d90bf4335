from __future__ import annotations

import pytest
from django.contrib.auth.models import Group

from governance import roles, seeds
from governance.models import Epoch, Hold
from heimdall.models import HeimdallPolicy
from regression.models import RegressionPolicy
from riskguard.models import RiskPolicy

pytestmark = pytest.mark.django_db


def test_a_new_installation_lacks_nothing() -> None:
    assert seeds.missing() == []
    assert seeds.restore(actor="jo") == []
    assert Epoch.objects.get().value >= 1


def test_what_is_missing_is_named_and_put_back_over_the_kernel_and_every_lever() -> None:
    Epoch.objects.all().delete()
    Group.objects.filter(name="auditor").delete()
    RiskPolicy.objects.filter(engine="NOTIFY").delete()
    HeimdallPolicy.objects.filter(domain="BUYER_MATCH").delete()
    RegressionPolicy.objects.filter(metric="roi_event").delete()
    Hold.objects.all().delete()
    gone = [
        "epoch", "role auditor", "risk_policy NOTIFY", "heimdall_policy BUYER_MATCH",
        "regression_policy CAPITAL/roi_event",
    ]  # fmt: skip
    assert seeds.missing() == gone
    assert seeds.restore(actor="jo") == gone
    assert seeds.missing() == seeds.restore(actor="jo") == []
    assert RiskPolicy.objects.get(engine="NOTIFY").changed_by == "jo"


def test_edited_rows_are_left_alone_and_set_back_by_a_reset() -> None:
    RiskPolicy.objects.filter(engine="WHOLESALE").update(max_daily_loss=7)
    HeimdallPolicy.objects.filter(domain="BUYER_MATCH").update(min_sandbox_trials=7)
    RegressionPolicy.objects.filter(metric="roi_event").update(window_events=60)
    assert seeds.restore(actor="jo") == []
    assert seeds.restore(actor="jo", reset=True) == [
        "risk_policy WHOLESALE", "heimdall_policy BUYER_MATCH", "regression_policy CAPITAL/roi_event",
    ]  # fmt: skip
    assert RiskPolicy.objects.get(engine="WHOLESALE").max_daily_loss == 200_00
    assert seeds.restore(actor="jo", reset=True) == []


def test_the_roles_that_are_put_back_are_those_of_the_table() -> None:
    Group.objects.all().delete()
    seeds.restore(actor="jo")
    assert set(Group.objects.values_list("name", flat=True)) == set(roles.ROLES)
