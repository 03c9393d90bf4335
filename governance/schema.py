"""What drf-spectacular cannot tell by itself: whose an operation is, how it fails, and the bounds of our own fields."""

from __future__ import annotations

import re
from typing import Any

from django.apps import apps
from drf_spectacular.extensions import OpenApiSerializerFieldExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiResponse
from rest_framework.permissions import AllowAny

from governance import parameters
from governance.problems import MEDIA_TYPE
from governance.serializers import ProblemSerializer

WHOLE = "System"
_FAILURES = {
    "400": "The request is malformed: `errors` names each field, or unknown query parameter, and what to send.",
    "401": "Nobody is known: send a bearer token.",
    "403": "The caller has no right to this, or the gate refuses it (`code` says which).",
    "404": "There is no such row.",
    "409": "The call contradicts what stands: `code` names it.",
    "503": "The state cannot be read or the database is busy; nothing was changed, so try again.",
    "default": "Any other failure.",
}


class Schema(AutoSchema):
    """Operations grouped by lever, named by their path, with every failure as problem details."""

    def get_tags(self) -> list[str]:
        """Return the app that the view is of: a lever's title, as its AppConfig has it."""
        config = apps.get_containing_app_config(type(self.view).__module__)
        return [str(config.verbose_name) if config else WHOLE]

    def get_operation_id(self) -> str:
        """Return the path in words: ``risk_check_and_reserve``, ``risk_reservations_list``."""
        words = re.sub(r"\{\w+\}", "", self.path.removeprefix("/api").removeprefix("/governance"))
        named = "_".join(re.findall(r"[a-z]+", words)) or "index"
        action = getattr(self.view, "action", None) or ""
        return named if not action or named.endswith(action) else f"{named}_{action}"

    def get_summary(self) -> str:
        """Return the first paragraph of what is said about the operation."""
        said = super().get_description().partition("\n\n")[0].replace("\n", " ")
        one = getattr(self.view, "action", None) == "retrieve"
        return f"One of: {said[0].lower()}{said[1:]}" if one else said

    def get_description(self) -> str:  # type: ignore[override]  # as drf-spectacular calls it
        """Return what follows the first paragraph."""
        return str(super().get_description().partition("\n\n")[2])

    def _get_response_bodies(self, direction: Any = "response") -> dict[str, Any]:
        bodies: dict[str, Any] = super()._get_response_bodies(direction)
        for status in self._failures(set(bodies)):
            problem = OpenApiResponse(ProblemSerializer, description=_FAILURES[status])
            told = self._get_response_for_code(problem, status, [MEDIA_TYPE])  # type: ignore[no-untyped-call]  # untyped
            bodies.setdefault(status, told)
        return dict(sorted(bodies.items()))

    def _failures(self, answers: set[str]) -> list[str]:
        """Return how the operation can fail, told from what it takes and answers (202: it goes through the door)."""
        if any(isinstance(permission, AllowAny) for permission in self.view.get_permissions()):
            return ["default"]
        takes_input = self.method not in {"GET", "HEAD"} or parameters.of(self.view) is not None or "{" in self.path
        failures = ["400"] if takes_input else []
        failures += ["401", "403"]
        failures += ["404"] if "{" in self.path else []
        failures += ["409"] if "202" in answers or ("{" in self.path and self.method == "POST") else []
        return [*failures, "503", "default"]


class CountFieldExtension(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    """A whole number with its bounds."""

    target_class = "governance.fields.CountField"

    def map_serializer_field(self, auto_schema: Any, direction: str) -> dict[str, Any]:
        """Return the field's schema."""
        return {"type": "integer", "minimum": self.target.least, "maximum": self.target.most}


def describe_tags(result: dict[str, Any], **_more: Any) -> dict[str, Any]:
    """List the tags in the order of the apps, each with what its package says of itself (a postprocessing hook)."""
    used = {tag for path in result["paths"].values() for operation in path.values() for tag in operation["tags"]}
    titles = {str(config.verbose_name): config.module.__doc__ for config in apps.get_app_configs() if config.module}
    titles[WHOLE] = "Addresses of the whole: the index, the system's status, and health."
    tags = [{"name": title, "description": titles[title] or ""} for title in titles if title in used]
    return {**result, "tags": tags}


def failures(told: dict[int, str]) -> dict[Any, OpenApiResponse]:
    """Return the failures that an operation tells of itself, by status, for ``extend_schema(responses=…)``."""
    return {(status, MEDIA_TYPE): OpenApiResponse(ProblemSerializer, description=said) for status, said in told.items()}
