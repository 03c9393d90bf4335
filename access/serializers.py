"""What the changes of tokens and accounts take."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from governance import roles
from governance.fields import EngineField, StrictBooleanField

MAX_ENGINES = 50


class TokenSchema(serializers.Serializer[Any]):
    """A token that was minted already: its digest, since the secret itself is shown once and stored nowhere."""

    key = serializers.RegexField("^[0-9a-f]{15}$", help_text="Its name: the first characters of the secret.")
    digest = serializers.RegexField("^[0-9a-f]{128}$", help_text="SHA-512 of the secret.")
    engines = serializers.ListField(
        child=EngineField(), max_length=MAX_ENGINES, help_text="The engines that it acts for."
    )
    expires_at = serializers.DateTimeField(help_text="When it ends (UTC).")


class NothingSchema(serializers.Serializer[Any]):
    """What revoking a token and creating an account take: nothing beyond which, who and why."""


class AccountSchema(serializers.Serializer[Any]):
    """What an account may be given or lose: each role, being active, being a superuser."""

    active = StrictBooleanField(help_text="Whether it may sign in and call at all.")
    superuser = StrictBooleanField(help_text="Whether it has every right.")

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """Return the fields, with one for each role of the table."""
        listed = {name: StrictBooleanField(help_text=f"The role {name}.") for name in roles.ROLES}
        return {**super().get_fields(), **listed}
