"""The outbox: what people are told of, written in the transaction in which it happens: neither is without the other.

A lever announces its kinds to the register and calls ``tell`` from the service that does the thing. Who is told, and
how, is not decided here: a row is figures, and the words are made when it is sent.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from django.db import transaction

from governance import clock, register, rows
from governance.happenings import Notice
from governance.models import ChangeRequest


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of happening: its ``name`` (``kill_switch.engaged``), ``title``, what each of its ``fields`` holds, and
    ``said``, the sentence that a person reads of a row's fields.
    """

    name: str
    title: str
    fields: Mapping[str, str]
    said: Callable[[Mapping[str, Any]], str]


CHANGE_PENDING, GLASS_BROKEN, JOB_FAILED = "change.pending", "glass.broken", "job.failed"
_CHANGE = {
    "change": "the id of the change request",
    "action": "the named action",
    "target": "what it changes",
    "requested_by": "who proposed it",
    "reason": "why",
}
OWN = (
    Kind(
        name=CHANGE_PENDING,
        title="A change waits for a second person",
        fields={**_CHANGE, "expires_at": "when it dies unapproved"},
        said="{requested_by} proposes {action} {target} (change request {change}), which waits: {reason}".format_map,
    ),
    Kind(
        name=GLASS_BROKEN,
        title="The glass was broken",
        fields={**_CHANGE, "actor": "who broke it"},
        said="{actor} applied change request {change} ({action} {target}) alone. Look at it: {reason}".format_map,
    ),
    Kind(
        name=JOB_FAILED,
        title="A job failed",
        fields={"job": "the job", "failures": "runs in a row that failed", "error": "the error's type"},
        said="The job {job} failed {failures} time(s) in a row with {error}.".format_map,
    ),
)


def kinds() -> dict[str, Kind]:
    """Return every kind by name: the kernel's, then the levers'."""
    every = [*OWN, *(kind for lever in register.levers() for kind in lever.tells)]
    return {kind.name: kind for kind in every}


def of_change(change: ChangeRequest) -> dict[str, Any]:
    """Return what people are told of a change: not its patch, which may hold what is for the approver alone."""
    named = ("action", "target", "requested_by", "reason")
    return {"change": change.pk, **{name: getattr(change, name) for name in named}}


def tell(kind: str, *, engine: str = "", once: str = "", **fields: Any) -> None:
    """Put a notice into the outbox, in the caller's transaction (RuntimeError outside of one).

    ``engine`` is the engine that it concerns, empty for everything. Of several with the same ``once`` the first is told
    and no other. ``fields`` are JSON-ready, and hold no secret: they leave the house.
    """
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError(f"{kind} must be told in the transaction in which it happens.")
    notice = Notice(kind=kind, at=clock.now(), engine=engine, once=once, data=fields)
    rows.insert(notice, on_conflict="DO NOTHING" if once else "")


def spoken(notice: Notice) -> tuple[str, str]:
    """Return a notice's title and its sentence; the kind alone, where the lever that tells of it is gone.

    A row that an older version wrote may lack a field that the sentence names: it is told by its title, and not lost.
    """
    kind = kinds().get(notice.kind)
    if kind is None:
        return notice.kind, notice.kind
    try:
        return kind.title, kind.said({"engine": notice.engine, **notice.data}).rstrip(": ")
    except (KeyError, TypeError, ValueError):
        return kind.title, kind.title
