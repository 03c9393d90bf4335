"""Lists are paginated by cursor: a page costs the same however long the history is."""

from __future__ import annotations

from typing import Any

from rest_framework import exceptions, pagination
from rest_framework.request import Request

from governance.errors import Invalid
from governance.fields import whole_number


class CursorPagination(pagination.CursorPagination):
    """The newest first, 50 a page, up to 500 by ``page_size``."""

    ordering = "-pk"
    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 500

    def get_page_size(self, request: Request) -> int:
        """Return the rows of a page; Invalid for an odd number of them."""
        asked = request.query_params.get(self.page_size_query_param)
        if asked is None:
            return self.page_size
        try:
            return whole_number(asked, least=1, most=self.max_page_size, unit="rows")
        except ValueError as wrong:
            raise Invalid({"page_size": [str(wrong)]}) from None

    def decode_cursor(self, request: Request) -> Any:
        """Return where the page starts; Invalid for a cursor that no list has given out."""
        if not request.query_params.get(self.cursor_query_param):
            return None
        try:
            cursor = super().decode_cursor(request)
            whole_number(cursor and cursor.position, least=0, most=2**63 - 1, unit="ids")
        except (exceptions.NotFound, ValueError):
            raise Invalid({"cursor": ["Is none that this list has given out: start again without it."]}) from None
        return cursor
