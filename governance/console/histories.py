"""Lists of rows that only grow: as quick over millions as over thousands, and given out as files.

No list counts its rows or asks what values there are. One that is narrowed by what no index finds looks through the
newest rows alone and says so, and pages end where a person would narrow instead of turning on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from django.contrib.admin import ShowFacets
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponseBase
from django.urls import URLPattern, path, reverse
from unfold import paginator
from unfold.views import ChangeList

from governance import money
from governance.console import exports
from governance.console.filters import DAYS, Days, number
from governance.console.offers import Button
from governance.console.screens import Screen

LOOKED_THROUGH = 50_000
PAGES = 100
# What the address of a list holds beside filters.
_NO_FILTER = {"q", "p", "o", "e", "all", "_facets", "_changelist_filters"}


class InfinitePaginator(paginator.InfinitePaginator):
    """Pages without a count, as many as a person turns over (unfold's header knows one by the name of the class)."""

    template_name = "console/pages.html"

    @property
    def count(self) -> int:
        """Return how many rows the pages can hold."""
        return PAGES * int(self.per_page)


class HistoryList(ChangeList):
    """A list of what only grows, the newest first. ``every`` are all rows that the filters let through."""

    every: QuerySet[Any]
    looked_through = 0  # how many of the newest rows were looked through; 0: all of them
    last_page = PAGES

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Any]) -> list[str]:
        """Return the order that an index has: by time where days are asked for, else by number."""
        if not self.model_admin.moment:
            return list(self.model._meta.ordering)
        return [f"-{self.model_admin.moment}", "-pk"] if self._days() else ["-pk"]

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> QuerySet[Any]:
        """Return the rows of the filters and the search, among the newest where no index finds them."""
        rows: QuerySet[Any] = super().get_queryset(request, exclude_parameters)
        self.every = rows
        if not self.model_admin.moment or self._is_found(request):
            return rows
        days = self._days()
        key, within = "pk", self.root_queryset
        if days is not None:
            key, within = self.model_admin.moment, days.queryset(request, within)
        edge = within.order_by(f"-{key}").values_list(key, flat=True)[LOOKED_THROUGH : LOOKED_THROUGH + 1].first()
        if edge is None:
            return rows
        self.looked_through = LOOKED_THROUGH
        newest: QuerySet[Any] = rows.filter(**{f"{key}__gt": edge})
        return newest

    def _days(self) -> Days | None:
        days = (spec for spec in self.filter_specs if isinstance(spec, Days))
        return next((spec for spec in days if any(spec.asked.values())), None)

    def _is_found(self, request: HttpRequest) -> bool:
        """Say whether nothing narrows the list but days, a search, or what an index finds."""
        asked = {name: value for name, value in request.GET.items() if value and name not in _NO_FILTER}
        narrowing = {name: value for name, value in asked.items() if name not in DAYS}
        if not narrowing or self.query or (len(asked) == 1 and self.model_admin.indexed & narrowing.keys()):
            return True
        return any(self.model_admin.is_rare(name, value) for name, value in narrowing.items())


class HistoryScreen(Screen):
    """Rows that only grow. ``moment`` is their time, which has an index, as ``filters.days`` of it is a filter.

    ``found_by`` are the fields that the search finds a text in, exactly; each has an index of its own. ``indexed`` are
    the filters of each of which, alone, an index finds the newest; ``rare`` are those that with a value find few rows.
    """

    moment = "at"
    found_by: Sequence[str] = ()
    indexed: AbstractSet[str] = frozenset()
    rare: AbstractSet[tuple[str, str]] = frozenset()
    paginator = InfinitePaginator
    show_facets = ShowFacets.NEVER
    sortable_by = ()
    list_filter_sheet = True

    def get_search_fields(self, request: HttpRequest) -> Sequence[str]:
        """Return what the search finds, for its box to be shown."""
        return self.found_by or ("pk",)

    @property
    def search_help_text(self) -> str:
        """Say what the search takes."""
        return " or ".join([*(name.replace("_", " ") for name in self.found_by), "number"]).capitalize()

    def get_search_results(self, request: HttpRequest, queryset: QuerySet[Any], search_term: str) -> Any:
        """Return the rows of that number, or of that text exactly."""
        term = search_term.strip()
        if not term:
            return queryset, False
        try:
            found = Q(pk=number(term))
        except ValueError:
            found = Q(pk__in=[])
        for name in self.found_by:
            found |= Q(**{name: term})
        return queryset.filter(found), False

    def get_changelist(self, request: HttpRequest, **_kwargs: Any) -> type[ChangeList]:
        """Return the list of what only grows."""
        return HistoryList

    def get_urls(self) -> list[URLPattern]:
        """Return the addresses, with those of the files."""
        view = self.admin_site.admin_view(self.export_view)
        return [path("export/<str:form>/", view, name=self._name("export")), *super().get_urls()]

    def export_view(self, request: HttpRequest, form: str) -> HttpResponseBase:
        """Give out every row that the list's filters let through, as a file, a piece at a time."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        if form not in exports.FORMS:
            raise Http404(f"There is no export as {form}: there are {' and '.join(exports.FORMS)}.")
        self.tidy_address(request)
        columns = exports.named(self.model)
        rows = self.get_changelist_instance(request).every.values(*columns).iterator(exports.PIECE)
        told = (self._told(row, columns) for row in rows)
        return exports.answer(form, told, list(columns.values()), self.opts.db_table)

    def is_rare(self, name: str, value: str) -> bool:
        """Say whether an index finds the few rows that a filter leaves."""
        return name in self.found_by or (name, value) in self.rare

    def exported(self, row: dict[str, Any]) -> dict[str, Any]:
        """Return a row, as the table has it, as a file has it; money of minor units is turned into units after it."""
        return row

    def listed(self, request: HttpRequest) -> list[Button]:
        """Return the buttons of the list: the files of what is filtered."""
        asked = f"?{request.GET.urlencode()}" if request.GET else ""
        files = {form: reverse(f"admin:{self._name('export')}", args=[form]) for form in exports.FORMS}
        return [
            *super().listed(request),
            *(Button(f"Export {form.upper()}", href + asked, "") for form, href in files.items()),
        ]

    def _name(self, page: str) -> str:
        return f"{self.opts.app_label}_{self.opts.model_name}_{page}"

    def _told(self, row: dict[str, Any], columns: Mapping[str, str]) -> dict[str, Any]:
        told = self.exported(row)
        return {
            called: money.to_units(told[name]) if name != called else told[name] for name, called in columns.items()
        }
