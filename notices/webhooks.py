"""Webhooks: one POST, to an address that was looked up and judged, within one deadline.

The name is looked up once and the connection is made to the very address that was judged, so that no second answer of a
name server leads elsewhere. No redirect is followed, no proxy of the environment is asked, and of the answer only the
status is read, which h11 bounds.
"""

from __future__ import annotations

import functools
import ipaddress
import socket
import ssl
import time
from collections.abc import Callable, Iterable
from typing import Any

import httpcore
from django.conf import settings

from notices import rules
from notices.parcels import Parcel, Undelivered

GONE = 410
_AGENT = {"Content-Type": "application/json", "User-Agent": "Valhalla-Notices"}


def post(parcel: Parcel) -> None:
    """Send ``parcel``; Undelivered unless it is answered by a 2xx in time."""
    end = time.monotonic() + settings.NOTICE_TIMEOUT_SECONDS

    def left() -> float:
        if (seconds := end - time.monotonic()) > 0:
            return seconds
        raise httpcore.TimeoutException

    backend = _Judged(left, public=parcel.address.startswith("https:"))
    headers = list({**_AGENT, **parcel.headers}.items())
    try:
        with (
            httpcore.ConnectionPool(ssl_context=_tls(), network_backend=backend) as pool,
            pool.stream("POST", parcel.address, headers=headers, content=parcel.body.encode()) as answer,
        ):
            status = answer.status
    except httpcore.TimeoutException:
        raise Undelivered(f"No answer within {settings.NOTICE_TIMEOUT_SECONDS} s.") from None
    except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.UnsupportedProtocol) as failure:
        raise Undelivered(f"{type(failure).__name__}: {failure}") from None
    if not 200 <= status < 300:  # noqa: PLR2004 -- the 2xx
        followed = " Redirects are not followed." if 300 <= status < 400 else ""  # noqa: PLR2004
        raise Undelivered(f"It answered {status}.{followed}", final=status == GONE)


@functools.cache
def _tls() -> ssl.SSLContext:
    """Return what checks certificates, against the machine's own authorities (SSL_CERT_FILE names others)."""
    return ssl.create_default_context()


class _Judged(httpcore.NetworkBackend):
    """Connects to none but an address that ``rules.may_reach``, and lets nothing take longer than what is ``left``."""

    def __init__(self, left: Callable[[], float], *, public: bool) -> None:
        self._left, self._public, self._sockets = left, public, httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first of the host's addresses that may be reached and answers."""
        failure: Exception | None = None
        for address in self._reachable(host, port):
            try:
                return _Timed(self._sockets.connect_tcp(address, port, self._left(), local_address), self._left)
            except httpcore.ConnectError as failed:
                failure = failed
        raise failure or httpcore.ConnectError(f"{host} has no address.")

    def _reachable(self, host: str, port: int) -> list[str]:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            raise Undelivered(f"{host} cannot be looked up.") from None
        addresses = [str(entry[4][0]) for entry in found]
        allowed = settings.NOTICE_ALLOWED_NETWORKS
        reachable = [
            one
            for one in addresses
            if rules.may_reach(ipaddress.ip_address(one.partition("%")[0]), public=self._public, allowed=allowed)
        ]
        if not reachable:
            what = "no public address" if self._public else "in none of these networks, as plain http must be"
            named = ", ".join(dict.fromkeys(addresses))
            raise Undelivered(f"{host} is {named}: {what} (NOTICE_ALLOWED_NETWORKS).", final=True)
        return reachable


class _Timed(httpcore.NetworkStream):
    """A stream whose reads and writes together take no longer than what is ``left``."""

    def __init__(self, stream: httpcore.NetworkStream, left: Callable[[], float]) -> None:
        self._stream, self._left = stream, left

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Read."""
        return self._stream.read(max_bytes, self._left())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Write."""
        self._stream.write(buffer, self._left())

    def close(self) -> None:
        """Hang up."""
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        """Speak TLS from here on; the certificate is held against the name, not the address."""
        return _Timed(self._stream.start_tls(ssl_context, server_hostname, self._left()), self._left)

    def get_extra_info(self, info: str) -> Any:
        """Return what the stream knows of itself."""
        return self._stream.get_extra_info(info)
