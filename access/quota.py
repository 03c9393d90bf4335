"""How many writes a token may make in a minute, over all processes and machines.

The count stands in the token's row, since the database is all that the processes share. Each process takes a
hundredth of the limit at a time and gives it out by itself: a write costs no query but one in so many, the limit is
never passed, and at most a hundredth a process goes unused.
"""

from __future__ import annotations

import threading
from typing import Any

from django.conf import settings
from rest_framework.exceptions import Throttled
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from access.models import Token
from governance import clock

_lock = threading.Lock()
_leases: dict[str, tuple[int, int]] = {}


class WithinQuota(BasePermission):
    """The token has writes left in this minute.

    A permission and no throttle of DRF's, which come after the permissions: so what is refused counts as well.
    """

    def has_permission(self, request: Request, view: Any) -> bool:
        """Return True, or raise Throttled with the seconds to wait."""
        token = request.auth
        if request.method not in SAFE_METHODS and isinstance(token, Token) and not take(token):
            most = settings.WRITES_PER_MINUTE
            raise Throttled(60 - clock.now().second, f"This token has made its {most} writes of this minute.")
        return True


def take(token: Token) -> bool:
    """Take one write out of the token's minute, and say whether there was one."""
    minute = int(clock.now().timestamp() // 60)
    with _lock:
        of, left = _leases.get(token.pk, (minute, 0))
        if of == minute and left > 0:
            _leases[token.pk] = minute, left - 1
            return True
    share = max(1, settings.WRITES_PER_MINUTE // 100)
    if not Token.objects.lease(token, minute, share, settings.WRITES_PER_MINUTE):
        return False
    with _lock:
        of, left = _leases.get(token.pk, (minute, 0))
        _leases[token.pk] = minute, share - 1 + (left if of == minute else 0)
    return True
