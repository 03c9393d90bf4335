"""What a list may be asked with. A filter that is misspelt must not be taken for none, and find every row."""

from __future__ import annotations

from typing import Any

from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request
from rest_framework.settings import api_settings

from governance.errors import Invalid


class OnlyKnownParameters(BasePermission):
    """A list is asked with nothing in the query that it does not know.

    A permission and no filter backend: lists that take no parameter have no queryset to filter, and are asked here too.
    It stands last, so that who may not read a list learns nothing of it.
    """

    def has_permission(self, request: Request, view: Any) -> bool:
        """Return True, or raise Invalid that names each unknown parameter and the known ones."""
        if request.method in SAFE_METHODS and request.query_params and (known := of(view)) is not None:
            odd = [name for name in request.query_params if name not in {*known, api_settings.URL_FORMAT_OVERRIDE}]
            if odd:
                listed = f"it knows {', '.join(known)}" if known else "it takes none"
                raise Invalid({name: [f"Is no parameter of this list: {listed}."] for name in odd})
        return True


def of(view: Any) -> list[str] | None:
    """Return the query parameters that ``view`` takes as a list; None where it is none.

    They are those of its ``query`` (a serializer), or those that it ``takes`` by name and of its filters and its pages.
    """
    if query := getattr(view, "query", None):
        return list(query().fields)
    filters = getattr(view, "filterset_class", None)
    if getattr(view, "detail", False) or not (filters or getattr(view, "action", None) == "list"):
        return None
    pages = getattr(view, "paginator", None)
    names = (pages.cursor_query_param, pages.page_size_query_param) if pages else ()
    return [*getattr(view, "takes", ()), *(filters.base_filters if filters else ()), *names]
