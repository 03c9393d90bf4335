"""The two ways of driving an operation's steps over httpx: one that waits, one that awaits."""

from __future__ import annotations

import json
import ssl
import time
from collections.abc import Mapping
from typing import Any

import anyio
import httpx

from valhalla_governor.calls import Answer, Call, Lost, Pause, Steps, T
from valhalla_governor.errors import Invalid

ROOT = "/api/governance/"
# Here the governor has not been reached; any other failure may have come after it had the call.
UNREACHED = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError, httpx.UnsupportedProtocol)


class Line:
    """A pool of connections; threads may share it."""

    def __init__(self, base_url: str, token: str | None, verify: ssl.SSLContext | bool) -> None:
        """Open no connection yet."""
        self._client = httpx.Client(**_settings(base_url, token, verify))

    def drive(self, steps: Steps[T]) -> T:
        """Send and wait as ``steps`` says, and return or raise what comes of it."""
        outcome: Answer | Lost | None = None
        while True:
            try:
                step = steps.send(outcome)
            except StopIteration as done:
                result: T = done.value
                return result
            if isinstance(step, Pause):
                time.sleep(step.seconds)
                outcome = None
            else:
                outcome = self._send(step)

    def _send(self, call: Call) -> Answer | Lost:
        try:
            return _answer(self._client.post(**_request(call)))
        except httpx.HTTPError as error:
            return _lost(error)

    def close(self) -> None:
        """Close every connection."""
        self._client.close()


class AsyncLine:
    """The same for asyncio and trio."""

    def __init__(self, base_url: str, token: str | None, verify: ssl.SSLContext | bool) -> None:
        """Open no connection yet."""
        self._client = httpx.AsyncClient(**_settings(base_url, token, verify))

    async def drive(self, steps: Steps[T]) -> T:
        """Send and wait as ``steps`` says, and return or raise what comes of it."""
        outcome: Answer | Lost | None = None
        while True:
            try:
                step = steps.send(outcome)
            except StopIteration as done:
                result: T = done.value
                return result
            if isinstance(step, Pause):
                await anyio.sleep(step.seconds)
                outcome = None
            else:
                outcome = await self._send(step)

    async def _send(self, call: Call) -> Answer | Lost:
        try:
            return _answer(await self._client.post(**_request(call)))
        except httpx.HTTPError as error:
            return _lost(error)

    async def close(self) -> None:
        """Close every connection."""
        await self._client.aclose()


def checked_address(base_url: str) -> str:
    """Return the address of a site; Invalid where it is none."""
    if not base_url.startswith(("http://", "https://")):
        raise Invalid("", {"base_url": ["Must be the site's address, such as https://valhalla.example."]})
    return base_url


def _settings(base_url: str, token: str | None, verify: ssl.SSLContext | bool) -> dict[str, Any]:
    headers = {"Accept": "application/json", "User-Agent": "valhalla-governor"}
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    return {"base_url": base_url.rstrip("/") + ROOT, "headers": headers, "verify": verify}


def _request(call: Call) -> dict[str, Any]:
    try:
        content = json.dumps(call.body, allow_nan=False)
    except (TypeError, ValueError) as odd:
        raise Invalid(f"The call cannot be written as JSON: {odd}.") from odd
    headers = {"Content-Type": "application/json", **call.headers}
    return {"url": call.path, "content": content, "headers": headers, "timeout": call.timeout}


def _answer(response: httpx.Response) -> Answer:
    try:
        told = response.json()
    except ValueError:
        told = None
    return Answer(response.status_code, told if isinstance(told, Mapping) else None, response.headers)


def _lost(error: httpx.HTTPError) -> Lost:
    return Lost(f"The governor did not answer: {error!r}.", reached=not isinstance(error, UNREACHED))
