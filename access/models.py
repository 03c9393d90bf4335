"""The tokens that callers present; each is bound to the engines that it acts for."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.db.models import Case, F, Q, When
from knox.crypto import hash_token
from knox.models import AbstractAuthToken


class TokenQuerySet(models.QuerySet["Token"]):
    """Questions about tokens."""

    def presented(self, secret: str) -> TokenQuerySet:
        """Return the token that ``secret`` is, with its user, once for each of the user's roles (``role``).

        One query for all that a request needs to know of its caller. A lookup by digest tells a guesser nothing by its
        time, since nobody can choose a digest.
        """
        found: TokenQuerySet = (
            self.filter(digest=hash_token(secret))
            .select_related("user")
            .annotate(role=F("user__groups__name"))
            .order_by()
        )
        return found

    def lease(self, token: Token, minute: int, share: int, limit: int) -> bool:
        """Take ``share`` writes out of the token's ``minute``, and say whether ``limit`` left so many."""
        more = Case(When(writes_minute=minute, then=F("writes_leased") + share), default=share)
        room = Q(writes_minute__lt=minute) | Q(writes_leased__lte=limit - share)
        return bool(self.filter(room, pk=token.pk).update(writes_leased=more, writes_minute=minute))


class Token(AbstractAuthToken):
    """A bearer token: knox's, hashed and expiring, and the engines that its holder acts for.

    The binding stands on the token and not on the user, so that two processes of one account can be kept apart, and so
    that a token never acts for more than what was approved when it was issued.
    """

    role: str | None  # by TokenQuerySet.presented

    engines = models.JSONField(default=list, blank=True, help_text="The engines that it acts for; empty: none.")

    writes_minute = models.BigIntegerField(default=0, help_text="The minute in which writes were last taken.")
    writes_leased = models.PositiveIntegerField(default=0, help_text="The writes that were taken in it.")

    objects = TokenQuerySet.as_manager()

    class Meta:
        db_table = "access_token"
        ordering: ClassVar = ["-created"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["token_key"], name="token_has_one_name")]

    def __str__(self) -> str:
        """Return its name: the first characters of the secret, which are stored in plain."""
        return str(self.token_key)

    def snapshot(self) -> dict[str, Any]:
        """Return whose it is, what it acts for and when it ends."""
        return {"user": self.user.get_username(), "engines": self.engines, "expires_at": self.expiry}
