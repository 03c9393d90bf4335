"""What drf-spectacular cannot tell by itself: how a caller is known, and the bounds of our own fields."""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension, OpenApiSerializerFieldExtension


class BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """A bearer token."""

    target_class = "governance.authentication.BearerAuthentication"
    name = "bearer"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        """Return the scheme as OpenAPI has it."""
        return {"type": "http", "scheme": "bearer"}


class CountFieldExtension(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    """A whole number with its bounds."""

    target_class = "governance.fields.CountField"

    def map_serializer_field(self, auto_schema: Any, direction: str) -> dict[str, Any]:
        """Return the field's schema."""
        return {"type": "integer", "minimum": self.target.least, "maximum": self.target.most}
