"""Holds: who must not act. A lever places and lifts its own; whoever must refuse asks here and knows no lever."""

from __future__ import annotations

import datetime as dt

from django.conf import settings

from governance import clock, grants
from governance.models import EVERYTHING, Hold

__all__ = ["EVERYTHING", "lift", "pinning", "place", "standing"]


def place(
    *,
    scope: str,
    source: str,
    code: str,
    reason: str,
    rank: int,
    key: str = "",
    pins: str = "",
    enforced_only: bool = False,
    starts_at: dt.datetime | None = None,
    until: dt.datetime | None = None,
) -> Hold:
    """Place a hold, in the transaction that changes the lever's state; one that stands keeps its ``since``.

    With ``starts_at`` it holds nothing before: what is allowed for a time ends by it, whether or not anybody acts then.
    """
    span = {"starts_at": starts_at, "until": until}
    words = {"reason": reason, "rank": rank, "pins": pins, "enforced_only": enforced_only, **span}
    hold, _created = Hold.objects.update_or_create(
        scope=scope,
        source=source,
        code=code,
        key=key,
        defaults=words,
        create_defaults={**words, "since": clock.now()},
    )
    return hold


def lift(*, scope: str, source: str, code: str, key: str = "", replaced: bool = False) -> bool:
    """Take a hold away, in the transaction that changes the lever's state; say whether one was there.

    It loosens, but for one that is ``replaced``: what it stood for has been made part of the lever's state.
    """
    held = Hold.objects.filter(scope=scope, source=source, code=code, key=key)
    if not replaced and held.exists():
        grants.demand({f"hold {code}"})
    deleted, _by_model = held.delete()
    return deleted > 0


def standing(engine: str | None) -> list[Hold]:
    """Return what holds ``engine`` now (None: everything alone), the hold that names the refusal first.

    Call it after the locks of the decision are taken: a hold that was committed while the caller waited
    is seen only by a read that starts after the wait.
    """
    at, enforced = clock.database_now(), settings.GOVERNANCE_ENFORCED
    # Few are placed over one engine, and every decision asks: what stands is chosen here, which costs half.
    placed = Hold.objects.filter(scope__in=[EVERYTHING] if engine is None else [EVERYTHING, engine]).order_by()
    over = [hold for hold in placed if hold.stands(at) and (enforced or not hold.enforced_only)]
    return sorted(over, key=lambda hold: (hold.rank, hold.since, hold.pk))


def pinning(control: str) -> Hold | None:
    """Return the hold that keeps ``control`` (such as ``kill_switch``) from being loosened, if one stands."""
    return Hold.objects.standing(clock.database_now()).filter(pins=control).first()
