"""What several processes count is one figure."""

from __future__ import annotations

import re
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from tests.acceptance.asking import GOVERNANCE, ask, turn

ORDERS = 24


def _figure(address: str, sample: str) -> float:
    with urllib.request.urlopen(f"{address}/metrics", timeout=30) as answer:  # noqa: S310 -- a site of our own
        text = answer.read().decode()
    found = re.search(rf"^{re.escape(sample)} (.+)$", text, re.MULTILINE)
    return float(found[1]) if found else 0


@pytest.mark.xdist_group("live")
@pytest.mark.postgresql  # the counters lie in files, and no database changes them
def test_each_process_tells_what_all_have_counted(live_server_process: str) -> None:
    turn(live_server_process, "enable", override=True)
    turn(live_server_process, "kill-switch/release")
    sample = 'valhalla_decisions_total{engine="WHOLESALE",lever="riskguard",reason="reserved"}'
    before = _figure(live_server_process, sample)
    order = {"engine": "WHOLESALE", "amount": 1, "actor": "bot"}
    reserve = partial(ask, live_server_process, f"{GOVERNANCE}/risk/check-and-reserve", order)
    with ThreadPoolExecutor(8) as pool:
        assert all(asked.result()[1]["ok"] for asked in [pool.submit(reserve) for _ in range(ORDERS)])
        told = [pool.submit(_figure, live_server_process, sample) for _ in range(8)]
    assert {figure.result() - before for figure in told} == {ORDERS}
