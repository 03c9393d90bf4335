"""A reservation as a block, for engines in this process."""

from __future__ import annotations

from typing import Any

import pytest

from governance.errors import Conflict
from riskguard import services
from riskguard.holding import Refused, Unsettled
from riskguard.models import RiskReservation
from tests.riskguard.factories import counters, policy

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("live")]


class Broken(Exception):
    """What an engine's action raises."""


def statuses() -> list[str]:
    return list(RiskReservation.objects.order_by("pk").values_list("status", flat=True))


def refused(**more: Any) -> Refused:
    asked = {"engine": "WHOLESALE", "amount": 500, "actor": "bot", **more}
    with pytest.raises(Refused) as raised, services.hold(**asked):
        pytest.fail("the block was entered")
    return raised.value


def test_it_settles() -> None:
    with services.hold("WHOLESALE", 500, actor="bot") as hold:
        assert (hold.reservation.amount, statuses()) == (500, ["OPEN"])
        assert hold.settle(20).reservation.realized_loss == 20
    assert counters() == (500, 0, 20, 1)


def test_it_releases() -> None:
    with services.hold("WHOLESALE", 500, actor="bot") as hold:
        hold.release()
    assert statuses() == ["RELEASED"]


def test_one_that_raises_stays_open_and_says_so() -> None:
    with pytest.raises(Broken) as raised, services.hold("WHOLESALE", 500, actor="bot") as hold:
        raise Broken
    assert f"Reservation {hold.id} is still open" in raised.value.__notes__[0]
    assert (statuses(), counters()) == (["OPEN"], (500, 500, 0, 1))


def test_one_that_is_left_without_a_word_is_an_error_and_stays_open() -> None:
    with pytest.raises(Unsettled, match="is still open"), services.hold("WHOLESALE", 500, actor="bot"):
        pass
    assert statuses() == ["OPEN"]


def test_it_stays_open_on_purpose() -> None:
    with services.hold("WHOLESALE", 500, actor="bot") as hold:
        hold.keep_open()
    assert statuses() == ["OPEN"]


def test_a_settlement_that_fails_leaves_it_open() -> None:
    with pytest.raises(Conflict), services.hold("WHOLESALE", 500, actor="bot") as hold:  # noqa: PT012 -- in this order
        services.settle(reservation_id=hold.id, realized_loss=1, actor="another")
        hold.settle(2)


def test_a_refusal_enters_no_block() -> None:
    policy("WHOLESALE", max_amount_per_action=499)
    refusal = refused()
    assert (refusal.reason, refusal.reservation, statuses()) == ("would_exceed_policy", None, [])
    assert "4.99" in refusal.message
    assert refused(amount=1, epoch=10**9).reason == "stale_epoch"


def test_a_key_that_has_a_reservation_enters_no_block() -> None:
    with services.hold("WHOLESALE", 500, actor="bot", idempotency_key="k") as hold:
        again = refused(idempotency_key="k")
        assert (again.reason, again.reservation) == ("already_reserved", hold.reservation)
        hold.settle(0)
    ended = refused(idempotency_key="k")
    assert (ended.reason, ended.reservation) == ("reservation_settled", hold.reservation)
