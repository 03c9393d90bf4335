"""The calibration of each domain, as the console, the command and machines read it. It writes nothing."""

from __future__ import annotations

import dataclasses
from typing import Any

from heimdall import calibration, selectors
from heimdall.calibration import Bin, Report, Share, Threshold
from heimdall.models import HeimdallPolicy
from heimdall.words import plain

MOST = 10_000
_PLACES = 6


@dataclasses.dataclass(frozen=True, slots=True)
class Domain:
    """A domain with its calibration; None where no outcome is known."""

    policy: HeimdallPolicy
    report: Report | None


def domains(only: str | None = None) -> list[Domain]:
    """Return the calibration of every policy's domain (or of ``only`` that one) by its newest MOST outcomes."""
    return [
        Domain(policy, calibration.report(selectors.outcomes(policy.domain, MOST), float(policy.min_confidence_prod)))
        for policy in selectors.policies()
        if only in {None, policy.domain}
    ]


def document(domain: Domain) -> dict[str, Any]:
    """Return a domain's calibration, JSON-ready."""
    head = {"domain": domain.policy.domain, "min_confidence_prod": float(domain.policy.min_confidence_prod)}
    found = domain.report
    if found is None:
        return {**head, "outcomes": 0, "calibration": None}
    measured = {"brier": _round(found.brier), "ece": _round(found.ece)}
    perfect = {name: _round(value) for name, value in dataclasses.asdict(found.perfect).items()}
    return {
        **head,
        "outcomes": found.share.outcomes,
        "calibration": {
            **_share(found.share),
            "stated": _round(found.stated),
            **measured,
            "perfect": {**perfect, "runs": calibration.RUNS, "seed": calibration.SEED},
            "bins": [_bin(one) for one in found.bins],
            "thresholds": [_threshold(one) for one in found.thresholds],
        },
    }


def in_line(found: Report) -> bool:
    """Say whether chance may well be all: a perfect model shows less in no more than 95 percent of cases."""
    return found.ece <= found.perfect.ece_most


def verdict(found: Report) -> str:
    """Say what the calibration error means at this number of outcomes."""
    perfect, outcomes = found.perfect, f"{found.share.outcomes:,}"
    if in_line(found):
        return (
            f"In line with what comes of them: a perfectly calibrated model shows an error of {perfect.ece:.3f} on "
            f"{outcomes} outcomes, and up to {perfect.ece_most:.3f} by chance."
        )
    how = "higher" if found.stated > found.share.rate else "lower"
    return (
        f"Out of line: confidences are {how} than what comes of them. A perfectly calibrated model shows an error of "
        f"{found.ece:.3f} or more on {outcomes} outcomes in {perfect.as_far:.1%} of {calibration.RUNS:,} simulations."
    )


def below(policy: HeimdallPolicy) -> str:
    """Say why nothing is said of lower thresholds."""
    return (
        "Only what was authorized has an outcome, so nothing is known of confidences below "
        f"{plain(policy.min_confidence_prod)}, the present threshold, and nothing speaks for a lower one. Try that in "
        "the sandbox."
    )


def _share(share: Share) -> dict[str, Any]:
    rates = {name: _round(getattr(share, name)) for name in ("rate", "low", "high")}
    return {"outcomes": share.outcomes, "successes": share.successes, **rates}


def _bin(one: Bin) -> dict[str, Any]:
    return {"from": one.least, "to": one.most, "stated": _round(one.stated), **_share(one.share)}


def _threshold(one: Threshold) -> dict[str, Any]:
    return {"confidence": one.confidence, "kept": _round(one.kept), **_share(one.share)}


def _round(figure: float) -> float:
    return round(figure, _PLACES)
