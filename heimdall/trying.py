"""Trying thresholds on what was recorded of domains. Nothing is written."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Mapping
from typing import Any

from governance.errors import NotFound
from heimdall import past, selectors, words
from heimdall.models import HeimdallPolicy
from heimdall.what_if import History, Outcome, what_if


@dataclasses.dataclass(frozen=True, slots=True)
class Tried(Outcome):
    """What thresholds would have let through in a domain by its evidence rule, since when it is known, and in words."""

    domain: str
    evidence_rule: str
    left_out: int
    since: dt.datetime | None
    enough: bool
    message: str


def tried(*, domain: str = "", **thresholds: Any) -> list[Tried]:
    """Return what ``thresholds`` (those that are left out as they stand) would have let through in ``domain``.

    Without a domain it is every one that has a policy, by name. NotFound where the domain has no policy.
    """
    policies = [policy for policy in selectors.policies() if domain in {"", policy.domain}]
    if domain and not policies:
        raise NotFound(f"There is no Heimdall policy for {domain}: an operator must create one.")
    histories = past.histories(policies)
    return [_tried(policy, histories[policy.domain], thresholds) for policy in policies]


def _tried(policy: HeimdallPolicy, history: History, thresholds: Mapping[str, Any]) -> Tried:
    standing = policy.charter()
    outcome = what_if(history, standing, dataclasses.replace(standing, **thresholds))
    return Tried(
        **dataclasses.asdict(outcome),
        domain=policy.domain,
        evidence_rule=history.evidence_rule,
        left_out=history.left_out,
        since=history.since,
        enough=history.is_enough,
        message=words.would_pass(history, outcome),
    )
