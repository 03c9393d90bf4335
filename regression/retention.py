"""Retention: KPI events go once they are older than RETENTION_KPI_DAYS and no window can come to need them.

The keys of batches go with the days alone: who sends a batch again after so long records it anew.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from django.conf import settings
from django.db import transaction

from governance import clock
from governance.trail import notes
from regression import rules, selectors, tripping
from regression.models import KpiBatch, KpiEvent, RegressionGap, RegressionPolicy

TABLE, KEYS = "kpi_event", "kpi_batch"
BATCH = 10_000
Events = Mapping[tuple[str, str], Sequence[int]]


def remove(*, actor: str, dry_run: bool = False) -> Iterator[dict[str, int]]:
    """Remove old events, the oldest first, and yield what each batch removed.

    However old, the newest events of a tripwire stay as far as its windows may reach, whether it is enabled or not.
    """
    cutoff = clock.database_now() - dt.timedelta(days=settings.RETENTION_KPI_DAYS)
    newest = KpiEvent.objects.filter(at__lt=cutoff).order_by("-at", "-pk").values_list("pk", flat=True).first()
    after, last = 0, newest or 0
    while after < last:
        if dry_run:
            after, doomed = _batch(RegressionPolicy.objects.all(), cutoff, after, last)
        else:
            with transaction.atomic():
                # Under the locks of all tripwires: none is evaluated, re-armed or given other windows meanwhile.
                locked = RegressionPolicy.objects.select_for_update().order_by("domain", "metric")
                after, doomed = _batch(locked, cutoff, after, last)
                _delete(doomed, cutoff, actor)
        yield {rules.key(*pair): len(ids) for pair, ids in doomed.items()}


def remove_keys(*, actor: str, dry_run: bool = False) -> Iterator[dict[str, int]]:
    """Remove the keys of old batches, the oldest first, and yield what each batch removed; no trail needs them."""
    cutoff = clock.database_now() - dt.timedelta(days=settings.RETENTION_KPI_DAYS)
    old = KpiBatch.objects.filter(at__lt=cutoff).order_by("at")
    if dry_run:
        count = old.count()
        yield from [{"keys": count}] if count else []
        return
    while doomed := list(old.values_list("pk", flat=True)[:BATCH]):
        KpiBatch.objects.filter(pk__in=doomed).delete()
        yield {"keys": len(doomed)}


def _batch(policies: Iterable[RegressionPolicy], cutoff: dt.datetime, after: int, last: int) -> tuple[int, Events]:
    """Return how far a batch of the old events after ``after`` up to ``last`` goes, and which no window needs."""
    standing = [(tripping.state_of(policy), policy.terms()) for policy in policies]
    needed = {number for state, terms in standing for number in selectors.needed(state, terms)}
    old = KpiEvent.objects.filter(pk__gt=after, pk__lte=last, at__lt=cutoff).order_by("pk")
    batch = list(old.values_list("pk", "domain", "metric")[:BATCH])
    doomed: dict[tuple[str, str], list[int]] = defaultdict(list)
    for number, domain, metric in batch:
        if number not in needed:
            doomed[domain, metric].append(number)
    return batch[-1][0] if len(batch) == BATCH else last, doomed


def _delete(doomed: Events, cutoff: dt.datetime, actor: str) -> None:
    """Delete the events, and the gaps below all that is left, which leave nothing out any more."""
    if not doomed:
        return
    every = sorted(number for ids in doomed.values() for number in ids)
    KpiEvent.objects.filter(pk__in=every).delete()
    for domain, metric in doomed:
        oldest = KpiEvent.objects.filter(domain=domain, metric=metric).order_by("pk").values_list("pk", flat=True)
        gaps = RegressionGap.objects.filter(domain=domain, metric=metric)
        gaps.filter(until_id__lt=oldest.first() or rules.END).delete()
    removed = {
        rules.key(*pair): {"events": len(ids), "first_id": ids[0], "last_id": ids[-1]} for pair, ids in doomed.items()
    }
    notes.removed(
        action=rules.RETAIN, table=TABLE, ids=every, actor=actor,
        reason=f"older than {settings.RETENTION_KPI_DAYS} days", details={"older_than": cutoff, "removed": removed},
    )  # fmt: skip
