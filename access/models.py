"""The tokens that callers present; each is bound to the engines that it acts for."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.auth.models import User
from django.db import models
from django.db.models import Case, F, Q, When
from knox.crypto import hash_token
from knox.models import AbstractAuthToken

from governance.database import opening_read

# What a request asks of its user, and the query written out: to compose it costs more than the database takes over it.
_KNOWN = [
    field.attname
    for field in User._meta.concrete_fields
    if field.attname in {"id", "username", "is_active", "is_staff", "is_superuser"}
]
_PRESENTED = f"""
SELECT token.*, {", ".join(f"account.{name} AS user_{name}" for name in _KNOWN[1:])}, role.name AS role
  FROM access_token AS token
  JOIN auth_user AS account ON account.id = token.user_id
  LEFT JOIN auth_user_groups AS member ON member.user_id = account.id
  LEFT JOIN auth_group AS role ON role.id = member.group_id
 WHERE token.digest = %s
"""  # noqa: S608 -- columns of our own


class TokenQuerySet(models.QuerySet["Token"]):
    """Questions about tokens."""

    def presented(self, secret: str) -> list[Token]:
        """Return the token that ``secret`` is, with its user, once for each of the user's roles (``role``).

        One query for all that a request needs to know of its caller. A lookup by digest tells a guesser nothing by its
        time, since nobody can choose a digest.
        """
        found = opening_read(lambda: list(self.raw(_PRESENTED, [hash_token(secret)])))
        for token in found:
            known = [getattr(token, f"user_{name}") for name in _KNOWN]
            token.user = User.from_db(self.db, _KNOWN, known)
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
