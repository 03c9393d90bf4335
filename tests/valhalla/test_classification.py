from __future__ import annotations

from urllib.parse import quote, unquote

import pytest
from django.conf import LazySettings
from hypothesis import given
from hypothesis import strategies as st

from valhalla.classification import OBSERVE_ONLY, PROD_EXEC, SANDBOX_EXEC, is_exempt, kind_of, normalised
from valhalla.settings import GATE_EXEMPT_PREFIXES, PathRule

pytestmark = pytest.mark.sqlite  # no database is asked
METHODS = ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "PURGE"]


@pytest.fixture(autouse=True)
def _addresses(settings: LazySettings) -> None:
    settings.ROOT_URLCONF = "tests.valhalla.urls"


def encoded(path: str, times: int) -> str:
    """Return ``path`` with every character but the slashes percent-encoded, ``times`` over."""
    for _ in range(times):
        path = "".join(character if character == "/" else f"%{ord(character):02x}" for character in path)
    return path


@pytest.mark.parametrize(
    ("path", "normal"),
    [
        ("/api/deals", "/api/deals"),
        ("/api/deals/", "/api/deals"),
        ("", "/"),
        ("/", "/"),
        ("//", "/"),
        ("//api///deals//", "/api/deals"),
        ("/health/../api/deals", "/api/deals"),
        ("/../../api/deals", "/api/deals"),
        ("/health/./../api/./deals", "/api/deals"),
        ("/health/%2e%2e/api/deals", "/api/deals"),
        ("/health%2f..%2fapi%2fdeals", "/api/deals"),
        ("/health\\..\\api\\deals", "/api/deals"),
        ("/health/%5c..%5c../api/deals", "/api/deals"),
        ("/health/..;/api/deals", "/api/deals"),
        ("/health;a=1/..;b/api;c/deals;d", "/api/deals"),
        ("/health/..%3b/api/deals", "/api/deals"),
        ("/api/d\u00e9als", "/api/d\u00e9als"),
        ("/api/100%", "/api/100%"),
    ],
)
def test_a_path_has_one_normal_form(path: str, normal: str) -> None:
    assert normalised(path) == normal


@pytest.mark.parametrize("times", range(1, 7))
def test_a_path_is_decoded_however_often_it_was_encoded(times: int) -> None:
    assert normalised("/health" + encoded("/../api/deals", times)) == "/api/deals"


@given(st.text(alphabet="/.%25eEfF;\\aé \0", max_size=60))
def test_the_normal_form_of_a_normal_form_is_itself(path: str) -> None:
    normal = normalised(path)
    assert normalised(normal) == normal
    assert normal.startswith("/")
    assert not {"", ".", ".."} & set(normal[1:].split("/")) or normal == "/"
    assert unquote(normal) == normal


@given(prefix=st.sampled_from(GATE_EXEMPT_PREFIXES), rest=st.text(alphabet="/.%2e5cf;\\ab", max_size=30))
def test_what_is_exempt_stays_below_an_exempt_prefix_however_it_is_read(prefix: str, rest: str) -> None:
    if is_exempt(prefix + rest):
        for reading in (prefix + rest, normalised(prefix + rest), normalised(quote(prefix + rest))):
            assert any(reading == known or reading.startswith(f"{known}/") for known in GATE_EXEMPT_PREFIXES)


@pytest.mark.parametrize("prefix", GATE_EXEMPT_PREFIXES)
def test_an_exempt_prefix_is_exempt_with_what_lies_below_it(prefix: str) -> None:
    assert is_exempt(prefix)
    assert is_exempt(f"{prefix}/")
    assert is_exempt(f"{prefix}/below/it")


OTHER_SPELLINGS = [
    "{}X", "{}z/below", "{}.", "{};x", "{};/../api/deals", "/x{}", "/{}", "{}/../api/deals", "{}/%2e%2e/api/deals",
    "{}/%252e%252e/api/deals", "{}%2f..%2fapi/deals", "{}/..\\api\\deals", "{}\\..\\api\\deals", "{}/..;/api/deals",
    "{}/../..//api/deals", "{}%00", "{} ", "{}?", "{}//..//../api/deals",
]  # fmt: skip


@pytest.mark.parametrize("prefix", GATE_EXEMPT_PREFIXES)
def test_no_other_spelling_is_exempt(prefix: str) -> None:
    assert [spelling for spelling in OTHER_SPELLINGS if is_exempt(spelling.format(prefix))] == []


@pytest.mark.parametrize("prefix", ["/HEALTH", "/Api/governance", "/Admin", "/api/Governance"])
def test_an_exempt_prefix_in_another_case_is_not_exempt(prefix: str) -> None:
    assert not is_exempt(prefix)


@pytest.mark.parametrize(
    "path", ["/", "", "/api", "/api/deals", "/favicon.ico", "/healthz", "/api/governanceX", "health"]
)
def test_everything_else_is_not_exempt(path: str) -> None:
    assert not is_exempt(path)


@pytest.mark.parametrize(
    ("path", "engine"),
    [
        ("/api/deals", "WHOLESALE"),
        ("/api/deals/", "WHOLESALE"),
        ("/api/deals/7/sign", "WHOLESALE"),
        ("/api/intake", None),
        ("/api/buyers/1", "BUYER_MATCH"),
        ("/api/capital", "CAPITAL"),
        ("/api/alerts", None),
        ("/api/notify", "NOTIFY"),
        ("/api/followups", "NOTIFY"),
    ],
)
def test_a_rule_says_the_class_and_the_engine_for_every_method(path: str, engine: str | None) -> None:
    for method in METHODS:
        assert kind_of(path, method) == (PROD_EXEC, {engine} if engine else frozenset()), method


@pytest.mark.parametrize(
    "path",
    [
        "/API/DEALS", "/Api/Deals/", "//api/deals", "/api//deals", "/api/./deals", "/x/../api/deals", "/api/%64eals",
        "/api/%2564eals", "/api\\deals", "/api/deals;v=1", "/api;x/deals", "/api/sandbox/../deals",
        "/api/deals/../sandbox",
    ],
)  # fmt: skip
def test_no_spelling_of_a_path_is_a_way_round_its_rule(path: str) -> None:
    assert kind_of(path, "GET") == (PROD_EXEC, {"WHOLESALE"})


def test_a_path_that_reads_as_two_engines_answers_to_both() -> None:
    assert kind_of("/api/capital/../buyers/1", "GET") == (PROD_EXEC, {"CAPITAL", "BUYER_MATCH"})


@pytest.mark.parametrize("path", ["/api/dealsX", "/api/deal", "/api/deals-archive", "/x/api/deals"])
def test_a_rule_matches_whole_segments(path: str) -> None:
    assert kind_of(path, "GET") == (OBSERVE_ONLY, frozenset())
    assert kind_of(path, "POST") == (PROD_EXEC, frozenset())


def test_the_sandbox_is_a_class_of_its_own() -> None:
    assert kind_of("/api/sandbox/trial", "POST") == (SANDBOX_EXEC, frozenset())


def test_what_is_only_by_one_spelling_in_the_sandbox_is_not() -> None:
    assert kind_of("/api/unlabelled/../sandbox", "POST").exec_class == PROD_EXEC
    assert kind_of("/api/sandbox/../unlabelled", "POST").exec_class == PROD_EXEC


@pytest.mark.parametrize("method", METHODS)
def test_without_label_and_rule_the_method_decides(method: str) -> None:
    safe = method in {"GET", "HEAD", "OPTIONS"}
    assert kind_of("/api/unlabelled", method).exec_class == (OBSERVE_ONLY if safe else PROD_EXEC)
    assert kind_of("/nothing/here", method).exec_class == (OBSERVE_ONLY if safe else PROD_EXEC)


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_a_views_own_label_wins_over_rule_and_method(method: str) -> None:
    assert kind_of("/api/deals/report", method) == (OBSERVE_ONLY, {"WHOLESALE"})
    assert kind_of("/api/sandbox/real", method) == (PROD_EXEC, {"CAPITAL"})


def test_a_label_is_that_of_the_view_which_the_path_resolves_to_and_no_other() -> None:
    assert kind_of("/api/deals/x/../report", "GET").exec_class == PROD_EXEC
    assert kind_of("/api/deals/%72eport", "GET").exec_class == PROD_EXEC


def test_the_longest_matching_prefix_wins_in_any_order(settings: LazySettings) -> None:
    rules = [
        PathRule("/api/x", "PROD_EXEC", "ONE"),
        PathRule("/api/x/y", "SANDBOX_EXEC"),
        PathRule("/api/x/y/z", "OBSERVE_ONLY", "THREE"),
    ]
    for order in (rules, rules[::-1]):
        settings.GATE_PATH_RULES = order
        assert kind_of("/api/x/1", "GET") == (PROD_EXEC, {"ONE"})
        assert kind_of("/api/x/y", "GET") == (SANDBOX_EXEC, frozenset())
        assert kind_of("/api/x/y/z/1", "DELETE") == (OBSERVE_ONLY, {"THREE"})


def test_the_reference_engine_is_labelled_beside_its_rule(settings: LazySettings) -> None:
    settings.GATE_PATH_RULES = ()
    assert kind_of("/api/deals", "GET") == (PROD_EXEC, {"WHOLESALE"})
