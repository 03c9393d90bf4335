"""What drf-spectacular cannot tell by itself: the bounds of our own fields."""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiSerializerFieldExtension


class CountFieldExtension(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    """A whole number with its bounds."""

    target_class = "governance.fields.CountField"

    def map_serializer_field(self, auto_schema: Any, direction: str) -> dict[str, Any]:
        """Return the field's schema."""
        return {"type": "integer", "minimum": self.target.least, "maximum": self.target.most}
