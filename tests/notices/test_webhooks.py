"""What is sent, to whom, and to whom not. A name server is stood in for: this machine has none."""

from __future__ import annotations

import dataclasses
import datetime as dt
import socket
from collections.abc import Callable
from ipaddress import ip_network
from typing import Any

import pytest
from django.conf import LazySettings
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from governance import clock
from notices import signing, webhooks
from notices.parcels import Undelivered, pack
from tests.notices.factories import DeliveryFactory, NoticeFactory, RuleFactory
from tests.notices.receiving import Receiver

# What goes over the wire is the same on every database; test_delivering.py runs on both.
pytestmark = [pytest.mark.sqlite, pytest.mark.django_db]
Lookups = Callable[..., list[str]]


@pytest.fixture
def looked_up(monkeypatch: pytest.MonkeyPatch) -> Lookups:
    """Let names be looked up to the given addresses, one list after the other; return what was asked for."""
    asked: list[str] = []

    def answer(*lists: list[str]) -> list[str]:
        answers = iter(lists)

        def found(host: str, port: int, *_args: Any, **_more: Any) -> list[Any]:
            asked.append(host)
            return [
                (socket.AF_INET6 if ":" in one else socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port))
                for one in next(answers)
            ]

        monkeypatch.setattr(webhooks.socket, "getaddrinfo", found)
        return asked

    return answer


@pytest.fixture
def connected(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """Return the addresses that a connection was opened to; none is."""
    opened: list[tuple[str, int]] = []

    def refuse(address: tuple[str, int], *_args: Any, **_more: Any) -> None:
        opened.append(address)
        raise ConnectionRefusedError(111, "Connection refused")

    monkeypatch.setattr(socket, "create_connection", refuse)
    return opened


def post(address: str) -> None:
    webhooks.post(dataclasses.replace(pack(DeliveryFactory(notice=NoticeFactory())), address=address))


def test_a_receiver_can_verify_what_it_is_sent(receiver: Receiver) -> None:
    rule = RuleFactory(address=receiver.address())
    notice = NoticeFactory(engine="WHOLESALE")
    webhooks.post(pack(DeliveryFactory(notice=notice, rule=rule)))
    (letter,) = receiver.letters
    payload = Webhook(signing.secret(rule.salt)).verify(letter.body, letter.headers)
    assert (letter.path, letter.id) == ("/hook", f"msg_{notice.uid.hex}")
    assert letter.headers["content-type"] == "application/json"
    assert payload["type"] == "kill_switch.engaged"
    assert dt.datetime.fromisoformat(payload["timestamp"]) == notice.at.replace(
        microsecond=notice.at.microsecond // 1000 * 1000
    )
    assert payload["data"] == {
        "engine": "WHOLESALE", "said": "The kill switch was engaged by ops: drill", "actor": "ops", "reason": "drill",
        "epoch": 7,
    }  # fmt: skip


def test_a_try_again_has_the_same_id_and_a_time_of_its_own(receiver: Receiver) -> None:
    delivery = DeliveryFactory(rule=RuleFactory(address=receiver.address()))
    webhooks.post(pack(delivery))
    with clock.at(clock.now() + dt.timedelta(minutes=5)):
        webhooks.post(pack(delivery))
    first, again = receiver.letters
    assert first.id == again.id
    assert int(again.headers["webhook-timestamp"]) - int(first.headers["webhook-timestamp"]) == 300


def test_after_a_new_secret_the_former_one_signs_for_a_day_too(receiver: Receiver) -> None:
    rule = RuleFactory(address=receiver.address(), former_salt="former" * 8)
    delivery = DeliveryFactory(rule=rule)
    webhooks.post(pack(delivery))
    rule.drawn_at -= dt.timedelta(hours=24)
    webhooks.post(pack(delivery))
    both, one = receiver.letters
    for salt in (rule.salt, rule.former_salt):
        Webhook(signing.secret(salt)).verify(both.body, both.headers)
    Webhook(signing.secret(rule.salt)).verify(one.body, one.headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(signing.secret(rule.former_salt)).verify(one.body, one.headers)


def test_a_secret_is_of_its_salt_and_of_the_sites_key(settings: LazySettings) -> None:
    made = signing.secret("salt")
    assert made == signing.secret("salt") != signing.secret("other")
    assert made.startswith("whsec_")
    settings.SECRET_KEY = "another"
    assert signing.secret("salt") != made


@pytest.mark.parametrize("status", [199 + 1, 204, 299])
def test_every_answer_of_2xx_is_a_delivery(receiver: Receiver, status: int) -> None:
    receiver.status = status
    post(receiver.address())
    assert len(receiver.letters) == 1


@pytest.mark.parametrize(("status", "final"), [(300, False), (404, False), (500, False), (503, False), (410, True)])
def test_every_other_answer_is_none_and_gone_is_final(receiver: Receiver, status: int, final: bool) -> None:
    receiver.status = status
    with pytest.raises(Undelivered, match=f"It answered {status}") as told:
        post(receiver.address())
    assert told.value.final is final


def test_a_redirect_is_not_followed(receiver: Receiver) -> None:
    receiver.status, receiver.more = 307, {"Location": receiver.address(path="/elsewhere")}
    with pytest.raises(Undelivered, match=r"It answered 307\. Redirects are not followed"):
        post(receiver.address())
    assert [letter.path for letter in receiver.letters] == ["/hook"]


def test_no_proxy_of_the_environment_is_asked(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    post(receiver.address())
    assert len(receiver.letters) == 1


@pytest.mark.parametrize("how", ["silent", "dripping"])
def test_a_try_ends_with_its_time_however_slowly_it_is_answered(
    receiver: Receiver, settings: LazySettings, how: str
) -> None:
    settings.NOTICE_TIMEOUT_SECONDS = 0.3
    receiver.drip, receiver.pause = how == "dripping", (lambda: 1.0 if how == "silent" else 0.0)
    with pytest.raises(Undelivered, match=r"No answer within 0\.3 s"):
        post(receiver.address())


def test_a_receiver_that_is_not_there_is_told_without_its_path(settings: LazySettings) -> None:
    settings.NOTICE_ALLOWED_NETWORKS = [ip_network("127.0.0.0/8")]
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(Undelivered, match=r"ConnectError: .*refused") as told:
        post(f"http://127.0.0.1:{port}/secret-path")
    assert "secret-path" not in str(told.value)
    assert not told.value.final


def test_a_certificate_is_held_against_the_name(receiver: Receiver, settings: LazySettings) -> None:
    """The receiver speaks no TLS at all: the connection is not used in plain."""
    with pytest.raises(Undelivered, match="ConnectError: "):
        post(receiver.address().replace("http:", "https:"))
    assert receiver.letters == []


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "127.1", "localhost", "[::1]",
     "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "0", "[::]"],
)  # fmt: skip
def test_this_machine_is_not_reached_in_any_spelling(host: str, connected: list[tuple[str, int]]) -> None:
    with pytest.raises(Undelivered, match=r"no public address \(NOTICE_ALLOWED_NETWORKS\)") as told:
        post(f"https://{host}/")
    assert told.value.final
    assert connected == []


def test_a_name_that_leads_to_a_private_address_is_not_reached(
    looked_up: Lookups, connected: list[tuple[str, int]]
) -> None:
    looked_up(["10.0.0.5", "fd00::5"])
    with pytest.raises(Undelivered, match=r"inside\.example is 10\.0\.0\.5, fd00::5: no public address"):
        post("https://inside.example/x")
    assert connected == []


def test_of_several_addresses_the_public_ones_are_tried_in_order(
    looked_up: Lookups, connected: list[tuple[str, int]]
) -> None:
    looked_up(["10.0.0.5", "8.8.8.8", "::1", "2606:4700::1111"])
    with pytest.raises(Undelivered, match="ConnectError"):
        post("https://mixed.example/x")
    assert connected == [("8.8.8.8", 443), ("2606:4700::1111", 443)]


def test_a_name_is_looked_up_once_so_that_a_second_answer_leads_nowhere(
    looked_up: Lookups, connected: list[tuple[str, int]]
) -> None:
    asked = looked_up(["8.8.8.8"], ["127.0.0.1"])
    with pytest.raises(Undelivered, match="ConnectError"):
        post("https://rebinding.example/x")
    assert asked == ["rebinding.example"]
    assert connected == [("8.8.8.8", 443)]


def test_plain_http_goes_to_allowed_networks_alone(
    looked_up: Lookups, connected: list[tuple[str, int]], settings: LazySettings
) -> None:
    settings.NOTICE_ALLOWED_NETWORKS = [ip_network("10.0.0.0/8")]
    looked_up(["8.8.8.8"], ["10.0.0.5"])
    with pytest.raises(Undelivered, match="in none of these networks, as plain http must be"):
        post("http://public.example/x")
    assert connected == []
    with pytest.raises(Undelivered, match="ConnectError"):
        post("http://inside.example/x")
    assert connected == [("10.0.0.5", 80)]


def test_a_name_that_is_none_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_args: Any, **_more: Any) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(webhooks.socket, "getaddrinfo", fails)
    with pytest.raises(Undelivered, match=r"nowhere\.example cannot be looked up") as told:
        post("https://nowhere.example/x")
    assert not told.value.final
