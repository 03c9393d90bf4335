"""What the changes of rules take."""

from __future__ import annotations

import re
from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from governance import names, outbox
from governance.fields import StrictBooleanField, TextField
from notices import rules
from notices.models import NoticeRule

MAX_LISTED = 50


@extend_schema_field({"type": "string"})
class _ListedField(serializers.Field[list[str], Any, Any, Any]):
    """Names with commas between them, or * for every one."""

    default_error_messages: ClassVar = {
        "invalid": "Must be names with commas between them, or * for every one.",
        "long": f"Names more than {MAX_LISTED}.",
    }

    def to_internal_value(self, data: Any) -> list[str]:
        """Return the names, each once."""
        if not isinstance(data, str):
            self.fail("invalid")
        listed = [word for word in re.split(r"[,\s]+", data) if word]
        if not listed:
            self.fail("invalid")
        if len(listed) > MAX_LISTED:
            self.fail("long")
        return sorted({one if one == rules.ALL else self.named(one) for one in listed})

    def named(self, text: str) -> str:
        """Return a name in its one spelling."""
        raise AssertionError(text)

    def to_representation(self, value: Any) -> str:
        """Return the names as text."""
        return ", ".join(value)


class KindsField(_ListedField):
    """Kinds of notices."""

    def named(self, text: str) -> str:
        """Return a kind that there is."""
        kind = text.lower()
        if kind not in outbox.kinds():
            known = ", ".join(sorted(outbox.kinds()))
            raise serializers.ValidationError(f"There is no kind {text!r}: there are {known}.")
        return kind


class EnginesField(_ListedField):
    """Engines."""

    def named(self, text: str) -> str:
        """Return an engine's name in its one spelling."""
        try:
            return names.engine(text)
        except ValueError as wrong:
            raise serializers.ValidationError(str(wrong)) from None


class RuleSchema(serializers.Serializer[Any]):
    """What an operator sets of a rule."""

    channel = serializers.ChoiceField(choices=NoticeRule.Channel.choices, help_text="A signed webhook, or mail.")
    address = TextField(
        max_length=500,
        help_text="An https address without query, or mail addresses with commas. It is shown and recorded.",
    )
    kinds = KindsField()
    engines = EnginesField(
        help_text="Engines with commas between them, or * for every one. What concerns no engine is told to all."
    )
    enabled = StrictBooleanField(help_text="Whether anything is sent.")

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """Return the fields; of the kinds it says which there are, since levers bring them."""
        fields = super().get_fields()
        every = ", ".join(kind for kind in sorted(outbox.kinds()) if kind != "test")
        fields["kinds"].help_text = f"Kinds with commas between them, or * for every one but heartbeat: {every}."
        return fields


class SecretSchema(serializers.Serializer[Any]):
    """What a secret is made of, drawn by the command that prints it: a page would draw one that nobody has seen."""

    salt = serializers.RegexField(
        "^[A-Za-z0-9_-]{43}$", help_text="Of this and SECRET_KEY it is made: `manage.py notices secret` draws it."
    )


class NothingSchema(serializers.Serializer[Any]):
    """What testing and trying again take: nothing beyond which, who and why."""
