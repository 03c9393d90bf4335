"""The law of the notices: who is told, when a delivery is tried again, what an address may be. Pure functions."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Collection, Mapping, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Any
from urllib.parse import urlsplit

SET, TEST, DRAW, RETRY, RETRY_ALL = (
    "notices.rule.set", "notices.rule.test", "notices.secret.draw", "notices.delivery.retry", "notices.rule.retry",
)  # fmt: skip
WEBHOOK, MAIL = "WEBHOOK", "MAIL"
ALL = "*"
# Kinds that a rule is told of only where it names them.
ASKED_FOR = frozenset({"heartbeat", "test"})

# Twelve tries in about a day and a half: after 5 s, 20 s, 80 s, 5 min, 21 min, 85 min, and then every six hours.
MOST_TRIES = 12
FIRST_WAIT, GROWTH, LONGEST_WAIT = dt.timedelta(seconds=5), 4, dt.timedelta(hours=6)

Address = IPv4Address | IPv6Address
Networks = Sequence[IPv4Network | IPv6Network]
_NAT64 = IPv6Network("64:ff9b::/96")
_HOST = re.compile(r"[A-Za-z0-9_.\-]+|\[[0-9A-Fa-f:.]+\]")
_MAILBOX = re.compile(r"[^\s,@<>\"]+@[A-Za-z0-9.\-]+")
_NO_URL = "Must be an address such as https://hooks.example.com/valhalla, in ASCII."
_BARE_PATH = re.compile(r"[A-Za-z0-9/._~!$&'()*+,;=:@%\-]*")


def wants(kinds: Collection[str], engines: Collection[str], *, kind: str, engine: str) -> bool:
    """Say whether a rule is told; what concerns no single engine concerns the rules of every engine."""
    of_kind = kind in kinds or (ALL in kinds and kind not in ASKED_FOR)
    return of_kind and (not engine or ALL in engines or engine in engines)


def wait(tries: int, jitter: float) -> dt.timedelta:
    """Return how long to wait after so many failed tries; ``jitter`` from 0 to 1 makes it half to one and a half of it.

    A receiver that comes back would otherwise be met by everything at the same moment.
    """
    grown = FIRST_WAIT * int(GROWTH ** min(tries - 1, 10))
    return min(grown, LONGEST_WAIT) * (0.5 + jitter)


def loosens(standing: Mapping[str, Any], patch: Mapping[str, Any]) -> frozenset[str]:
    """Name what makes a rule tell less, or tell another: whoever was to be told would not hear of it."""
    if not standing["address"]:
        return frozenset()
    return frozenset(name for name, value in patch.items() if _less(name, standing[name], value))


def _less(name: str, before: Any, after: Any) -> bool:
    if name == "enabled":
        return bool(before and not after)
    if name in {"kinds", "engines"}:
        return any(one not in after and (ALL not in after or one in ASKED_FOR) for one in before)
    return bool(before != after)


def never_loosens(_standing: Mapping[str, Any], _patch: Mapping[str, Any]) -> frozenset[str]:
    """Trying, trying again and another secret tell nobody less."""
    return frozenset()


def wrong_address(channel: str, address: str, allowed: Networks) -> str:
    """Say what is wrong with a rule's address; empty where nothing is.

    It is shown on pages and kept in the trail, so it must hold no secret: the signature says who sends.
    """
    if channel == MAIL:
        boxes = [box.strip() for box in address.split(",")]
        fit = all(_MAILBOX.fullmatch(box) for box in boxes)
        return "" if fit else "Must be a mail address, or several with commas between them, such as ops@example.com."
    return _wrong_url(address, allowed)


def _wrong_url(address: str, allowed: Networks) -> str:
    if not address.isascii() or not address.isprintable():
        return _NO_URL  # the parser would drop a line break without a word
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        return _NO_URL
    host = parts.netloc.removesuffix(f":{port}")
    if "@" in parts.netloc or "?" in address or "#" in address:
        return "Must have no user, password, query or fragment: it is shown and recorded. The signature says who sends."
    if parts.scheme not in {"https", "http"} or not _HOST.fullmatch(host) or not _BARE_PATH.fullmatch(parts.path):
        return _NO_URL
    if parts.scheme == "http" and not allowed:
        return "Must be https: plain http is for the networks of NOTICE_ALLOWED_NETWORKS alone, and none is named."
    return _wrong_literal(host, public=parts.scheme == "https", allowed=allowed)


def _wrong_literal(host: str, *, public: bool, allowed: Networks) -> str:
    try:
        literal = ip_address(host.strip("[]"))
    except ValueError:
        return ""  # a name, which is judged by what it leads to at each try
    if may_reach(literal, public=public, allowed=allowed):
        return ""
    return f"{literal} is no public address, and in no network of NOTICE_ALLOWED_NETWORKS."


def may_reach(address: Address, *, public: bool, allowed: Networks) -> bool:
    """Say whether a request may go to ``address``: where it is allowed by name or, with ``public``, public.

    An address within another (mapped, NAT64, 6to4) is judged by what it leads to.
    """
    meant = _unwrapped(address)
    if any(one.version == network.version and one in network for one in {address, meant} for network in allowed):
        return True
    return public and is_public(meant)


def is_public(address: Address) -> bool:
    """Say whether ``address`` is a host of the public internet."""
    special = address.is_multicast or address.is_reserved or address.is_unspecified or address.is_loopback
    return address.is_global and not special and not getattr(address, "is_site_local", False)


def _unwrapped(address: Address) -> Address:
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address


def host_of(channel: str, address: str) -> str:
    """Return what of an address is shown beside a failure: the host, or the mail address."""
    return address if channel == MAIL else urlsplit(address).netloc
