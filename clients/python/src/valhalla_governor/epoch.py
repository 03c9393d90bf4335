"""The epoch under which the gate has admitted a request: it goes with the reservation that the request makes."""

from __future__ import annotations

from collections.abc import Mapping

from valhalla_governor.errors import Refused

HEADER = "X-Governance-Epoch"


def epoch_of(headers: Mapping[str, str]) -> int:
    """Return the epoch of a request that has passed the gate, by its headers, whatever their case.

    Refused (``epoch_missing``) where it has none: such a request has not come through the gate.
    """
    told = next((value for name, value in headers.items() if name.lower() == HEADER.lower()), "")
    if not told.strip().isdecimal() or int(told) < 1:
        raise Refused("epoch_missing", f"The request has no {HEADER}: it has not come through the gate.")
    return int(told)
