from __future__ import annotations

import pytest

from golive import rules

pytestmark = pytest.mark.sqlite  # no database is asked


@pytest.mark.parametrize(
    ("enabled", "killed", "enforced", "word"),
    [
        (True, False, True, "LIVE"),
        (False, False, True, "DISABLED"),
        (True, True, True, "KILLED"),
        (False, True, True, "KILLED"),
        (True, False, False, "NOT ENFORCED"),
        (False, True, False, "NOT ENFORCED"),
    ],
)
def test_one_word_says_where_production_stands(enabled: bool, killed: bool, enforced: bool, word: str) -> None:
    assert rules.status(enabled=enabled, killed=killed, enforced=enforced) == word


@pytest.mark.parametrize("stands", [True, False])
def test_enabling_and_releasing_loosen_and_the_opposites_tighten_whatever_stood_before(stands: bool) -> None:
    standing = {"go_live_enabled": stands, "kill_switch_engaged": stands}
    assert rules.always_loosens(standing, {})
    assert not rules.never_loosens(standing, {"override": True})


def test_the_kill_switch_names_a_refusal_before_go_live() -> None:
    assert rules.RANK[rules.KILL_SWITCH_ENGAGED] < rules.RANK[rules.GO_LIVE_DISABLED]
