"""Retention: notices go once they are older than NOTICE_KEEP_DAYS, unless one is still to be delivered."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from governance import clock
from governance.happenings import Notice
from governance.trail import notes
from notices.models import NoticeDelivery

TABLE, ACTION = "notice", "notices.retain"
BATCH = 1_000


def remove(*, actor: str, dry_run: bool = False) -> Iterator[dict[str, int]]:
    """Remove old notices with their deliveries, the oldest first, and yield how many each batch removed."""
    cutoff = clock.database_now() - dt.timedelta(days=settings.NOTICE_KEEP_DAYS)
    if dry_run:
        if number := _old(cutoff).count():
            yield {TABLE: number}
        return
    while number := _remove_some(cutoff, actor):
        yield {TABLE: number}


def _old(cutoff: dt.datetime) -> QuerySet[Notice]:
    waiting = NoticeDelivery.objects.filter(notice=OuterRef("pk"), status=NoticeDelivery.Status.WAITING)
    return Notice.objects.filter(~Exists(waiting), at__lt=cutoff, routed_at__isnull=False).order_by("pk")


@transaction.atomic
def _remove_some(cutoff: dt.datetime, actor: str) -> int:
    ids = list(_old(cutoff).values_list("pk", flat=True)[:BATCH])
    if ids:
        Notice.objects.filter(pk__in=ids).delete()
        notes.removed(
            action=ACTION, table=TABLE, ids=ids, actor=actor, reason=f"older than {settings.NOTICE_KEEP_DAYS} days",
            details={"older_than": cutoff, "notices": len(ids)},
        )  # fmt: skip
    return len(ids)
