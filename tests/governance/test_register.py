from __future__ import annotations

import dataclasses
import datetime as dt

import pytest
from django.conf import settings

from governance import register
from governance.errors import NotFound
from governance.sections import Period
from tests.governance.toys import SWAP, TURN, toy_lever


def test_every_lever_has_announced_itself_in_the_order_of_the_settings() -> None:
    names = [lever.name for lever in register.levers()]
    assert [name for name in names if name in settings.GOVERNANCE_LEVERS] == list(settings.GOVERNANCE_LEVERS)


def test_a_lever_that_is_announced_is_asked_and_one_that_is_withdrawn_is_not() -> None:
    with toy_lever():
        assert register.levers()[-1].name == "toy"
        assert register.action(TURN).name == TURN
    assert TURN not in register.actions()
    register.withdraw("toy")
    with pytest.raises(NotFound, match=r"No lever offers an action called 'toy\.turn'"):
        register.action(TURN)


def test_a_lever_that_is_announced_twice_is_there_once() -> None:
    with toy_lever():
        register.announce(register.levers()[-1])
        assert [lever.name for lever in register.levers()].count("toy") == 1


def test_no_lever_decides_in_the_name_of_another() -> None:
    with toy_lever():
        impostor = dataclasses.replace(register.levers()[-1], name="impostor")
        with pytest.raises(ValueError, match=rf"impostor offers what another lever offers already: {SWAP}, {TURN}"):
            register.announce(impostor)


def test_the_period_before_has_the_same_length_and_ends_where_this_one_starts() -> None:
    start, end = (dt.datetime(2026, 11, day, tzinfo=dt.UTC) for day in (17, 24))
    assert Period(start, end).before() == Period(dt.datetime(2026, 11, 10, tzinfo=dt.UTC), start)
