"""The examples of the client's README run as they stand, one after another, and its links lead somewhere."""

from __future__ import annotations

import inspect
import re
from typing import Any

import pytest
from anyio.from_thread import BlockingPortal
from valhalla_governor import Governor

from tests.acceptance.asking import GOVERNANCE, ask
from tests.clients.conftest import reservations, rows, set_policy
from tests.docs.test_links import LINK
from valhalla.env import BASE_DIR

pytestmark = [pytest.mark.sqlite, pytest.mark.xdist_group("clients")]
README = BASE_DIR / "clients" / "python" / "README.md"
EXAMPLES = re.findall(r"^```python\n(.*?)^```$", README.read_text(), re.MULTILINE | re.DOTALL)


class Request:
    """What a service behind the gate is asked."""

    def __init__(self, epoch: int) -> None:
        self.headers = {"x-governance-epoch": str(epoch)}


def test_its_examples_run(address: str, portal: BlockingPortal, capsys: pytest.CaptureFixture[str]) -> None:
    set_policy(address, "WHOLESALE")
    earned = {"min_confidence_prod": 0.9, "min_sandbox_trials": 0, "min_sandbox_success_rate": 0}
    policy = {"domain": "WHOLESALE_OFFER", "prod_use_enabled": True, **earned, "actor": "ops", "reason": "test"}
    assert ask(address, f"{GOVERNANCE}/heimdall/policies/upsert", policy)[0] == 200
    epoch = ask(address, f"{GOVERNANCE}/go-live/state")[1]["epoch"]
    made: list[str] = []
    with Governor(address, actor="pricing-engine") as governor:
        given = {
            "governor": governor,
            "request": Request(epoch),
            "make_the_offer": lambda: made.append("offer") or 12,
            "look_the_buyer_up": lambda: None,
            "send": made.append,
            "was_made": lambda key: key in made,
        }
        for example in EXAMPLES:
            names: dict[str, Any] = dict(given)
            source = example.replace("http://localhost:8000", address)
            exec(compile(source, str(README), "exec"), names)  # noqa: S102 -- our own page
            if inspect.iscoroutinefunction(names.get("act")):
                portal.call(names["act"])
    assert capsys.readouterr().out == ""
    assert [status for status, _amount, _loss in reservations(address, "WHOLESALE")] == [
        "SETTLED", "SETTLED", "RELEASED", "SETTLED", "SETTLED", "SETTLED",
    ]  # fmt: skip
    assert made == ["offer"] * 4
    assert len(rows(address, "regression/kpi?domain=WHOLESALE&metric=contract_rate")) == 2
    assert len(rows(address, "regression/kpi?domain=CAPITAL&metric=roi_event")) == 1


def test_its_links_lead_somewhere() -> None:
    targets = [target for target in LINK.findall(README.read_text()) if "://" not in target]
    assert targets
    assert [target for target in targets if not (README.parent / target).exists()] == []
