"""Lists are paginated by cursor: a page costs the same however long the history is."""

from __future__ import annotations

from rest_framework import pagination


class CursorPagination(pagination.CursorPagination):
    """The newest first, 50 a page, up to 500 by ``page_size``."""

    ordering = "-pk"
    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 500
