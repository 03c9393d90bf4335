from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance import names

pytestmark = pytest.mark.sqlite  # no database is asked
spellings = pytest.mark.parametrize("spell", [names.engine, names.metric])


def test_engines_are_upper_cased_and_metrics_lower_cased() -> None:
    assert names.engine(" \twholesale-2.b_C\r\n") == "WHOLESALE-2.B_C"
    assert names.metric(" Contract_Rate ") == "contract_rate"


@spellings
@pytest.mark.parametrize(("length", "fits"), [(1, True), (63, True), (64, True), (65, False)])
def test_a_name_has_one_to_sixty_four_characters(spell: Callable[[str], str], length: int, fits: bool) -> None:
    if fits:
        assert len(spell("a" * length)) == length
    else:
        with pytest.raises(ValueError, match="Is 65 characters long: a name has at most 64"):
            spell("a" * length)


@spellings
@pytest.mark.parametrize("blank", ["", " ", "\t\r\n"])
def test_a_blank_name_is_refused(spell: Callable[[str], str], blank: str) -> None:
    with pytest.raises(ValueError, match="May not be blank"):
        spell(blank)


@spellings
@pytest.mark.parametrize(
    "odd", ["a b", "a/b", "a\0", "ä", "a\nb", "*", "ﬀ", "\N{ARABIC-INDIC DIGIT ONE}", "a\xa0", "\ud800"]
)
def test_other_characters_are_refused(spell: Callable[[str], str], odd: str) -> None:
    with pytest.raises(ValueError, match="Has a character that a name cannot have"):
        spell(odd)


@spellings
@given(name=st.text(st.characters(codec="ascii"), max_size=70))
def test_a_spelling_is_spelled_as_itself(spell: Callable[[str], str], name: str) -> None:
    try:
        once = spell(name)
    except ValueError:
        return
    assert spell(once) == spell(once.swapcase()) == once
