from __future__ import annotations

import datetime as dt
from ipaddress import ip_address, ip_network

import pytest

from notices import rules

pytestmark = pytest.mark.sqlite  # no database is asked

EVERY = ["*"]
PRIVATE = [ip_network("10.0.0.0/8")]
RULE = {"channel": "WEBHOOK", "address": "https://a.example", "kinds": ["*"], "engines": ["*"], "enabled": True}


@pytest.mark.parametrize(
    ("kinds", "engines", "kind", "engine", "wanted"),
    [
        (EVERY, EVERY, "kill_switch.engaged", "", True),
        (EVERY, EVERY, "tripwire.triggered", "WHOLESALE", True),
        (EVERY, EVERY, "heartbeat", "", False),
        ([*EVERY, "heartbeat"], EVERY, "heartbeat", "", True),
        (["heartbeat"], EVERY, "kill_switch.engaged", "", False),
        (["tripwire.triggered"], EVERY, "tripwire.triggered", "CAPITAL", True),
        (EVERY, ["CAPITAL"], "tripwire.triggered", "CAPITAL", True),
        (EVERY, ["CAPITAL"], "tripwire.triggered", "WHOLESALE", False),
        (EVERY, ["CAPITAL"], "kill_switch.engaged", "", True),
        (["job.failed"], ["CAPITAL"], "kill_switch.engaged", "", False),
    ],
)
def test_a_rule_is_told_by_kind_and_engine(
    kinds: list[str], engines: list[str], kind: str, engine: str, wanted: bool
) -> None:
    assert rules.wants(kinds, engines, kind=kind, engine=engine) is wanted


def test_the_wait_grows_up_to_six_hours_and_is_spread_by_half() -> None:
    waits = [rules.wait(tries, 0.5) for tries in range(1, rules.MOST_TRIES)]
    assert [wait.total_seconds() for wait in waits[:7]] == [5, 20, 80, 320, 1280, 5120, 20480]
    assert set(waits[7:]) == {dt.timedelta(hours=6)}
    assert rules.wait(1, 0) == dt.timedelta(seconds=2.5)
    assert rules.wait(1, 1) == dt.timedelta(seconds=7.5)
    assert dt.timedelta(hours=30) < sum(waits, dt.timedelta()) < dt.timedelta(hours=36)


@pytest.mark.parametrize(
    ("patch", "loosening"),
    [
        ({"enabled": False}, {"enabled"}),
        ({"enabled": True}, set()),
        ({"kinds": ["*", "heartbeat"]}, set()),
        ({"kinds": ["job.failed"]}, {"kinds"}),
        ({"engines": ["CAPITAL"]}, {"engines"}),
        ({"address": "https://b.example"}, {"address"}),
        ({"channel": "MAIL", "address": "a@b.example"}, {"channel", "address"}),
        ({"channel": "WEBHOOK", "address": "https://a.example", "kinds": ["*"]}, set()),
    ],
)
def test_what_lets_somebody_hear_less_loosens(patch: dict[str, object], loosening: set[str]) -> None:
    assert rules.loosens(RULE, patch) == loosening


@pytest.mark.parametrize(
    ("before", "after", "less"),
    [
        (["job.failed"], ["*"], False),
        (["heartbeat"], ["*"], True),
        (["job.failed", "heartbeat"], ["*", "heartbeat"], False),
        (["job.failed"], ["job.failed", "change.pending"], False),
        (["job.failed", "change.pending"], ["job.failed"], True),
    ],
)
def test_every_kind_holds_each_but_the_heartbeat(before: list[str], after: list[str], less: bool) -> None:
    assert bool(rules.loosens({**RULE, "kinds": before}, {"kinds": after})) is less


def test_a_new_rule_loosens_nothing() -> None:
    assert rules.loosens({**RULE, "address": ""}, {"address": "https://a.example", "kinds": ["job.failed"]}) == set()


@pytest.mark.parametrize(
    "address",
    [
        "https://hooks.example.com", "https://hooks.example.com/a/b-c_d.e~f", "https://hooks.example.com:8443/x",
        "https://8.8.8.8/x", "https://[2606:4700::1111]/x", "https://xn--bcher-kva.example/",
    ],
)  # fmt: skip
def test_a_public_https_address_is_one(address: str) -> None:
    assert rules.wrong_address(rules.WEBHOOK, address, []) == ""


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("", "Must be an address"),
        ("hooks.example.com", "Must be an address"),
        ("ftp://hooks.example.com", "Must be an address"),
        ("https://", "Must be an address"),
        ("https://bücher.example", "in ASCII"),
        ("https://hooks.example.com/a b", "Must be an address"),
        ("https://hooks.example.com/\n", "Must be an address"),
        ("https://hooks.example.com:70000/", "Must be an address"),
        ("https://a.example\\@b.example/", "no user"),
        ("https://[::1", "Must be an address"),
        ("https://user:secret@hooks.example.com/", "no user, password"),
        ("https://hooks.example.com/?token=secret", "query"),
        ("https://hooks.example.com/#x", "fragment"),
        ("http://hooks.example.com/", "Must be https"),
        ("https://10.0.0.1/", "no public address"),
        ("https://[::ffff:10.0.0.1]/", "no public address"),
        ("https://127.0.0.1:9000/", "no public address"),
    ],
)
def test_an_odd_address_is_told(address: str, said: str) -> None:
    assert said in rules.wrong_address(rules.WEBHOOK, address, [])


def test_an_allowed_network_may_be_named_and_by_plain_http() -> None:
    assert rules.wrong_address(rules.WEBHOOK, "http://10.1.2.3:8080/x", PRIVATE) == ""
    assert rules.wrong_address(rules.WEBHOOK, "https://10.1.2.3/x", PRIVATE) == ""
    assert "no public address" in rules.wrong_address(rules.WEBHOOK, "https://192.168.0.1/", PRIVATE)
    assert "no public address" in rules.wrong_address(rules.WEBHOOK, "http://8.8.8.8/", PRIVATE)


@pytest.mark.parametrize(
    ("address", "fits"),
    [
        ("ops@example.com", True), ("ops@example.com, risk@example.com", True), ("ops", False), ("", False),
        ("ops@example.com,", False), ("Ops <ops@example.com>", False), ("a@b\nBcc: c@d", False),
    ],
)  # fmt: skip
def test_mail_goes_to_mail_addresses(address: str, fits: bool) -> None:
    assert (rules.wrong_address(rules.MAIL, address, []) == "") is fits


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",  # noqa: S104
        "255.255.255.255", "224.0.0.1", "240.0.0.1", "192.0.2.1", "198.18.0.1", "::1", "::", "fe80::1", "fc00::1",
        "fec0::1", "ff02::1", "2001:db8::1", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "64:ff9b::10.0.0.1",
        "64:ff9b:1::a00:1", "2002:a00:1::1", "2001:0:a00:1::1", "::10.0.0.1", "100::1",
    ],
)  # fmt: skip
def test_no_private_address_is_reached_in_any_spelling(address: str) -> None:
    assert not rules.may_reach(ip_address(address), public=True, allowed=[])


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8"])
def test_a_public_address_is_reached_by_https_alone(address: str) -> None:
    assert rules.may_reach(ip_address(address), public=True, allowed=[])
    assert not rules.may_reach(ip_address(address), public=False, allowed=PRIVATE)


@pytest.mark.parametrize("address", ["10.0.0.1", "::ffff:10.0.0.1", "64:ff9b::10.0.0.1"])
def test_an_allowed_network_is_reached(address: str) -> None:
    assert rules.may_reach(ip_address(address), public=False, allowed=PRIVATE)
    assert not rules.may_reach(ip_address("fd00::1"), public=True, allowed=PRIVATE)
    assert rules.may_reach(ip_address("fd00::1"), public=True, allowed=[ip_network("fd00::/8")])
