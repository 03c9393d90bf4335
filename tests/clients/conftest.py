"""One site for every test of the client, an engine of its own for each, and both clients by the same words."""

from __future__ import annotations

import itertools
import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal
from valhalla_governor import AsyncGovernor, Governor, Patience

from riskguard.rules import CAPS
from tests.acceptance.asking import GOVERNANCE, ask, turn
from tests.clients.awaited import Awaited
from tests.clients.relay import Relay, relaying
from tests.server import Site, site

QUICK = Patience(attempt=5.0, total=5.0, first_pause=0.01, longest_pause=0.05)
_numbers = itertools.count(1)
Open = Callable[..., Any]
# Read once: each client would read them again, and none of these tests has a use for them.
CERTIFICATES = ssl.create_default_context()


@pytest.fixture(scope="session")
def served() -> Iterator[Site]:
    with site() as running:
        turn(running.address, "enable", override=True)
        set_policy(running.address, "GLOBAL")
        yield running


@pytest.fixture
def address(served: Site) -> str:
    return served.address


@pytest.fixture
def relay(served: Site) -> Iterator[Relay]:
    with relaying(served.address) as opened:
        yield opened


@pytest.fixture
def engine(served: Site) -> str:
    """Return a new engine without caps."""
    name = f"ENGINE_{next(_numbers)}"
    set_policy(served.address, name)
    return name


@pytest.fixture(scope="session")
def portal() -> Iterator[BlockingPortal]:
    with start_blocking_portal() as opened:
        yield opened


@pytest.fixture(params=["blocking", "awaited"])
def opened(request: pytest.FixtureRequest, portal: BlockingPortal) -> Iterator[Open]:
    """Return what opens a client, of either kind, that is closed after the test."""
    with ExitStack() as stack:

        def open_one(base_url: str, **more: Any) -> Any:
            settings = {"actor": "bot", "patience": QUICK, "verify": CERTIFICATES, **more}
            if request.param == "blocking":
                return stack.enter_context(Governor(base_url, **settings))
            governor = stack.enter_context(portal.wrap_async_context_manager(AsyncGovernor(base_url, **settings)))
            return Awaited(governor, portal)

        yield open_one


@pytest.fixture
def governor(opened: Open, address: str) -> Any:
    return opened(address)


def set_policy(address: str, engine: str, **more: Any) -> None:
    body = {"engine": engine, "enabled": True, **dict.fromkeys(CAPS), **more, "actor": "ops", "reason": "test"}
    status, told = ask(address, f"{GOVERNANCE}/risk/policies/upsert", body)
    assert status == 200, told


def rows(address: str, path: str) -> list[dict[str, Any]]:
    """Return every row of a list, the oldest first."""
    found, following = [], f"{GOVERNANCE}/{path}"
    while following:
        status, page = ask(address, following)
        assert status == 200, page
        found += page["results"]
        following = (page["next"] or "").removeprefix(address)
    return sorted(found, key=lambda row: int(row["id"]))


def reservations(address: str, engine: str) -> list[tuple[str, int, int | None]]:
    """Return status, amount and loss of each reservation of an engine."""
    return [
        (row["status"], row["amount"], row["realized_loss"])
        for row in rows(address, f"risk/reservations?engine={engine}")
    ]
