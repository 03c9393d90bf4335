"""The only writes of rules and deliveries. A delivery is claimed for a time: nothing is locked while it is sent."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Collection, Mapping
from typing import Any

from django.conf import settings
from django.db import transaction

from governance import audit, clock, grants, outbox
from governance.changes import Refused
from governance.errors import Invalid, NotFound
from governance.happenings import Notice
from notices import rules, selectors, signing
from notices.models import NoticeDelivery, NoticeRule
from notices.parcels import Undelivered
from notices.telling import HEARTBEAT, TEST

Status = NoticeDelivery.Status
ROUTED_AT_ONCE = 200
# A try and the look-up of a name before it, which no deadline bounds, end well within it; so does who was killed.
LEASE = 3


@transaction.atomic
def set_rule(*, name: str, patch: Mapping[str, Any], actor: str, reason: str = "") -> NoticeRule:
    """Change what ``patch`` names of a rule, making it if need be. Invalid where it could reach nobody."""
    rule = locked_rule(name)
    check_rule(rule, patch)
    grants.demand(rules.loosens({**rule.snapshot(), **{field: getattr(rule, field) for field in patch}}, patch))
    before = None if rule.pk is None else rule.snapshot()
    for field, value in patch.items():
        setattr(rule, field, value)
    rule.changed_by, rule.reason, rule.updated_at = actor, reason, clock.now()
    rule.save()
    audit.record(action=rules.SET, target=name, actor=actor, reason=reason, before=before, after=rule.snapshot())
    return rule


@transaction.atomic
def draw_secret(*, name: str, salt: str, actor: str, reason: str = "") -> NoticeRule:
    """Let a rule sign by the secret that ``salt`` makes; the one before signs too for a day."""
    rule = existing_rule(name)
    rule.former_salt, rule.salt, rule.drawn_at = rule.salt, salt, clock.now()
    rule.save(update_fields=["former_salt", "salt", "drawn_at"])
    audit.record(action=rules.DRAW, target=name, actor=actor, reason=reason)
    return rule


@transaction.atomic
def try_out(*, name: str, actor: str, reason: str = "") -> NoticeDelivery:
    """Put a test notice to this rule alone into the outbox; it is sent even where the rule is disabled."""
    rule, now = existing_rule(name), clock.database_now()
    data = {"rule": name, "actor": actor}
    notice = Notice.objects.create(kind=TEST, at=clock.now(), data=data, routed_at=now)
    delivery = NoticeDelivery.objects.create(notice=notice, rule=rule, due_at=now, asked_for=True)
    audit.record(action=rules.TEST, target=name, actor=actor, reason=reason, after={"delivery": delivery.pk})
    return delivery


@transaction.atomic
def retry(*, delivery_id: int, actor: str, reason: str = "") -> NoticeDelivery | Refused:
    """Try a dead letter again, from now on, as often as a new one. Refused where it is none."""
    delivery = locked_delivery(delivery_id)
    if delivery.status != Status.DEAD:
        return Refused(
            "not_dead", f"Delivery {delivery.pk} is {delivery.get_status_display()}: only a dead letter waits."
        )
    _revive([delivery.pk])
    audit.record(action=rules.RETRY, target=str(delivery.pk), actor=actor, reason=reason)
    delivery.refresh_from_db()
    return delivery


@transaction.atomic
def retry_all(*, name: str, actor: str, reason: str = "") -> int:
    """Try every dead letter of a rule again, and return how many there are."""
    rule = existing_rule(name)
    revived = _revive(list(NoticeDelivery.objects.dead().filter(rule=rule).values_list("pk", flat=True)))
    audit.record(action=rules.RETRY_ALL, target=name, actor=actor, reason=reason, after={"deliveries": revived})
    return revived


@transaction.atomic
def beat() -> bool:
    """Put a heartbeat into the outbox if a rule asks for one; say whether. One that has not gone yet is superseded."""
    if not any(rule.wants(HEARTBEAT, "") for rule in NoticeRule.objects.filter(enabled=True)):
        return False
    now = clock.database_now()
    Notice.objects.filter(kind=HEARTBEAT, routed_at=None).update(routed_at=now)
    late = NoticeDelivery.objects.filter(notice__kind=HEARTBEAT, status=Status.WAITING)
    late.update(status=Status.SUPERSEDED, ended_at=now)
    standing = selectors.standing()
    outbox.tell(
        HEARTBEAT, every_minutes=settings.NOTICE_HEARTBEAT_MINUTES, waiting=standing.waiting, dead_letters=standing.dead
    )
    return True


@transaction.atomic
def route_some() -> int:
    """Ask the rules whom to tell of a batch of notices, and return how many those are; 0 says that none is left."""
    unrouted = Notice.objects.filter(routed_at=None).order_by("pk")
    batch = list(unrouted.select_for_update(skip_locked=True)[:ROUTED_AT_ONCE])
    if not batch:
        return 0
    now, listening = clock.database_now(), list(NoticeRule.objects.filter(enabled=True))
    NoticeDelivery.objects.bulk_create(
        [
            NoticeDelivery(notice=notice, rule=rule, due_at=now)
            for notice in batch
            for rule in listening
            if rule.wants(notice.kind, notice.engine)
        ],
        ignore_conflicts=True,
    )
    Notice.objects.filter(pk__in=[notice.pk for notice in batch]).update(routed_at=now)
    return len(batch)


@transaction.atomic
def claim(*, without: Collection[int]) -> NoticeDelivery | None:
    """Return the delivery that is longest due, ours alone for the length of the lease; None where there is none.

    Of rules ``without`` none is taken. Whoever dies with it lets another have it once the lease is over.
    """
    now = clock.database_now()
    due = NoticeDelivery.objects.due(now).exclude(rule_id__in=without).select_related("notice", "rule")
    delivery = due.select_for_update(skip_locked=True, of=("self",)).first()
    if delivery is not None:
        delivery.tries += 1
        delivery.due_at = now + LEASE * dt.timedelta(seconds=settings.NOTICE_TIMEOUT_SECONDS)
        delivery.save(update_fields=["tries", "due_at"])
    return delivery


def delivered(delivery: NoticeDelivery) -> None:
    """Note that a claimed delivery was made; that somebody has taken it over meanwhile makes it no less so."""
    waiting = NoticeDelivery.objects.filter(pk=delivery.pk, status=Status.WAITING)
    waiting.update(status=Status.DELIVERED, ended_at=clock.database_now(), error="")


def failed(delivery: NoticeDelivery, failure: Undelivered) -> None:
    """Note that a claimed delivery failed, and when to try again; after the last try it is a dead letter."""
    ours = NoticeDelivery.objects.filter(pk=delivery.pk, status=Status.WAITING, tries=delivery.tries)
    now, error = clock.database_now(), str(failure)[:300]
    if failure.final or delivery.tries >= rules.MOST_TRIES:
        ours.update(status=Status.DEAD, ended_at=now, error=error)
    else:
        again = now + rules.wait(delivery.tries, random.random())  # noqa: S311 -- it spreads, and guards nothing
        ours.update(due_at=again, error=error)


def locked_rule(name: str) -> NoticeRule:
    """Return a rule, locked; where there is none, a new one that is not saved and has no address yet."""
    now = clock.now()
    return NoticeRule.objects.select_for_update().filter(name=name).first() or NoticeRule(
        name=name, kinds=[rules.ALL], engines=[rules.ALL], salt=signing.new_salt(), drawn_at=now, created_at=now
    )


def existing_rule(name: str) -> NoticeRule:
    """Return a rule, locked; NotFound where there is none."""
    rule = locked_rule(name)
    if rule.pk is None:
        raise NotFound(f"There is no rule {name!r}.")
    return rule


def locked_delivery(delivery_id: int) -> NoticeDelivery:
    """Return a delivery, locked; NotFound where there is none."""
    found = NoticeDelivery.objects.select_for_update(of=("self",)).select_related("rule", "notice")
    delivery = found.filter(pk=delivery_id).first()
    if delivery is None:
        raise NotFound(f"There is no delivery {delivery_id}.")
    return delivery


def check_rule(rule: NoticeRule, patch: Mapping[str, Any]) -> None:
    """Raise Invalid where ``patch`` would make a rule that could reach nobody."""
    channel, address = (patch.get(field, getattr(rule, field)) for field in ("channel", "address"))
    wrong = rules.wrong_address(channel, address, settings.NOTICE_ALLOWED_NETWORKS)
    if not wrong and channel == rules.MAIL and not settings.EMAIL_URL_IS_SET:
        wrong = "Cannot be mail: EMAIL_URL names no mail server."
    if wrong and (rule.pk is None or {"channel", "address"} & patch.keys()):
        raise Invalid({"address": [wrong]})


def _revive(ids: Collection[int]) -> int:
    revived = NoticeDelivery.objects.filter(pk__in=ids, status=Status.DEAD)
    return revived.update(status=Status.WAITING, tries=0, due_at=clock.database_now(), ended_at=None, error="")
