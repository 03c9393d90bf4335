"""What operators do with rules and deliveries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from governance import names
from governance.changes import Refused
from governance.fields import whole_number
from governance.register import Action
from notices import rules, services, words
from notices.models import NoticeDelivery
from notices.serializers import NothingSchema, RuleSchema, SecretSchema

_MOST_ID = 2**63 - 1


def _number(target: str) -> str:
    return str(whole_number(target, least=1, most=_MOST_ID, unit="a delivery's number"))


def _set(*, target: str, patch: Mapping[str, Any], actor: str, reason: str) -> Any:
    return services.set_rule(name=target, patch=patch, actor=actor, reason=reason)


def _cannot_set(target: str, patch: Mapping[str, Any], _reason: str) -> Refused | None:
    """Raise Invalid where the rule could reach nobody: only with the row at hand is that known."""
    services.check_rule(services.locked_rule(target), patch)
    return None


def _test(*, target: str, patch: Mapping[str, Any], actor: str, reason: str) -> Any:
    return services.try_out(name=target, actor=actor, reason=reason)


def _draw(*, target: str, patch: Mapping[str, Any], actor: str, reason: str) -> Any:
    return services.draw_secret(name=target, salt=patch["salt"], actor=actor, reason=reason)


def _retry_all(*, target: str, patch: Mapping[str, Any], actor: str, reason: str) -> Any:
    return services.retry_all(name=target, actor=actor, reason=reason)


def _delivery(target: str) -> Any:
    return services.locked_delivery(int(target))


def _retry(*, target: str, patch: Mapping[str, Any], actor: str, reason: str) -> Any:
    return services.retry(delivery_id=int(target), actor=actor, reason=reason)


ACTIONS = (
    Action(
        name=rules.SET, label="Change a notice rule", schema=RuleSchema, target=names.metric,
        lock=services.locked_rule, loosens=rules.loosens, apply=_set, refuses=_cannot_set, divisible=True, noun="rule",
        effect=words.setting,
    ),
    Action(
        name=rules.TEST, label="Send a test notice", schema=NothingSchema, target=names.metric,
        lock=services.existing_rule, loosens=rules.never_loosens, apply=_test, noun="rule", effect=words.testing,
    ),
    Action(
        name=rules.DRAW, label="Draw a new secret", schema=SecretSchema, target=names.metric,
        lock=services.existing_rule, loosens=rules.never_loosens, apply=_draw, noun="rule", effect=words.drawing,
    ),
    Action(
        name=rules.RETRY_ALL, label="Try its dead letters again", schema=NothingSchema, target=names.metric,
        lock=services.existing_rule, loosens=rules.never_loosens, apply=_retry_all, noun="rule", effect=words.reviving,
    ),
    Action(
        name=rules.RETRY, label="Try a dead letter again", schema=NothingSchema, target=_number, lock=_delivery,
        loosens=rules.never_loosens, apply=_retry, noun="delivery",
        sets={"status": NoticeDelivery.Status.WAITING}, effect=words.retrying,
    ),
)  # fmt: skip
