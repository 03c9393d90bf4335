"""Trying thresholds on what was recorded of a domain. Nothing is written."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import Any

from governance.errors import NotFound
from heimdall import past, selectors, words
from heimdall.what_if import Outcome, what_if


@dataclasses.dataclass(frozen=True, slots=True)
class Tried(Outcome):
    """What thresholds would have let through in a domain, since when it is known, and in words."""

    domain: str
    since: dt.datetime | None
    enough: bool
    message: str


def tried(*, domain: str, **thresholds: Any) -> Tried:
    """Return what ``thresholds`` (those that are left out as they stand) would have let through.

    NotFound where the domain has no policy.
    """
    policy = selectors.policy(domain)
    if policy is None:
        raise NotFound(f"There is no Heimdall policy for {domain}: an operator must create one.")
    history, standing = past.histories([policy])[domain], policy.charter()
    outcome = what_if(history, standing, dataclasses.replace(standing, **thresholds))
    return Tried(
        **dataclasses.asdict(outcome),
        domain=domain,
        since=history.since,
        enough=history.is_enough,
        message=words.would_pass(history, outcome),
    )
