from __future__ import annotations

import pytest
from django.core.checks import run_checks
from django.db import connections

from governance.system_checks import atomic_requests_is_off


def test_the_site_as_it_is_passes_every_check() -> None:
    assert run_checks() == []


def test_a_transaction_around_every_request_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    assert atomic_requests_is_off() == []
    monkeypatch.setitem(connections["default"].settings_dict, "ATOMIC_REQUESTS", True)
    (error,) = atomic_requests_is_off()
    assert (error.id, error.level) == ("governance.E001", 40)
    assert "'default'" in error.msg
    assert error in run_checks()
