from __future__ import annotations

import pytest
from django.db import connection

from golive import services
from golive.models import GoLiveState
from governance.models import Hold
from tests import migrating


@pytest.mark.django_db(transaction=True)
def test_migrates_down_to_zero_and_up_again_disabled_whatever_stood_before() -> None:
    services.enable(actor="ops", reason="test", override=True)
    services.engage_kill_switch(actor="ops", reason="drill")
    try:
        migrating.to(("golive", None))
        assert "go_live_state" not in connection.introspection.table_names()
        assert not Hold.objects.filter(source="golive").exists()
    finally:
        migrating.up()
    row = GoLiveState.objects.get()
    assert (row.go_live_enabled, row.kill_switch_engaged) == (False, False)
    assert [hold.code for hold in Hold.objects.filter(source="golive")] == ["go_live_disabled"]
