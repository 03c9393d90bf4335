"""Filters of the lists: a text exactly, a choice of few, days. None of them reads the rows to know what there is."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.contrib.filters.admin import BooleanRadioFilter, ChoicesDropdownFilter, DropdownFilter, TextFilter
from unfold.widgets import UnfoldAdminTextInputWidget

from governance import clock

Rows = QuerySet[Any]
Choice, YesNo = ChoicesDropdownFilter, BooleanRadioFilter
DAYS = ("day_from", "day_to")
MOST = 2**63 - 1


class _DaysForm(forms.Form):
    """Two days, in the browser's own picker."""

    def __init__(self, data: dict[str, str]) -> None:
        super().__init__(data)
        for name, label in zip(DAYS, ("From day (UTC)", "To day, included"), strict=True):
            picker = UnfoldAdminTextInputWidget({"type": "date"})
            self.fields[name] = forms.DateField(label=label, required=False, widget=picker)


class Days(admin.ListFilter):
    """The UTC days from one up to and with another, of ``field``; what is no day finds nothing."""

    title = "day"
    template = "unfold/filters/filters_field.html"
    field = "at"

    def __init__(self, request: HttpRequest, params: dict[str, Any], model: Any, model_admin: Any) -> None:
        """Take the two parameters out of ``params``."""
        super().__init__(request, params, model, model_admin)
        self.asked: dict[str, str] = {name: params.pop(name)[-1] for name in DAYS if name in params}
        self.used_parameters |= self.asked

    def expected_parameters(self) -> list[str | None]:
        """Return the names of the two parameters."""
        return list(DAYS)

    def has_output(self) -> bool:
        """Return True: it can always be used."""
        return True

    def choices(self, _changelist: Any) -> Iterator[dict[str, Any]]:
        """Yield the form."""
        yield {"form": _DaysForm(self.asked)}

    def queryset(self, _request: HttpRequest, queryset: Rows) -> Rows:
        """Return the rows of the days."""
        first, last = (self.asked.get(name, "") for name in DAYS)
        try:
            since = self.start(dt.date.fromisoformat(first)) if first else None
            until = self.start(dt.date.fromisoformat(last) + dt.timedelta(days=1)) if last else None
        except (ValueError, OverflowError):
            return queryset.none()
        queryset = queryset if since is None else queryset.filter(**{f"{self.field}__gte": since})
        return queryset if until is None else queryset.filter(**{f"{self.field}__lt": until})

    def start(self, day: dt.date) -> dt.date:
        """Return the moment at which ``day`` begins."""
        return clock.midnight(day)


class _PlainDays(Days):
    """Days of a field that holds days."""

    def start(self, day: dt.date) -> dt.date:
        return day


class Retired(DropdownFilter):
    """Policies in use, unless the retired ones are asked for."""

    title = "use"
    parameter_name = "retired"
    all_option = None

    def lookups(self, _request: HttpRequest, _model_admin: Any) -> list[tuple[str, str]]:
        """Return what there is to choose."""
        return [("", "In use"), ("yes", "Retired"), ("all", "All")]

    def queryset(self, _request: HttpRequest, queryset: Rows) -> Rows:
        """Return the policies that are asked for."""
        return queryset if self.value() == "all" else queryset.filter(retired_at__isnull=self.value() != "yes")


def days(field: str, *, plain: bool = False) -> type[Days]:
    """Return the filter by UTC day of ``field``, a time, or with ``plain`` a day."""
    return type("DaysOf", (_PlainDays if plain else Days,), {"field": field})


def exactly(field: str, title: str = "", spell: Callable[[str], Any] = str.strip) -> type[admin.SimpleListFilter]:
    """Return the filter of those whose ``field`` is what is typed, as ``spell`` spells it (ValueError: none is)."""

    def queryset(self: Any, _request: HttpRequest, queryset: Rows) -> Rows:
        asked = self.value()
        if not asked:
            return queryset
        try:
            return queryset.filter(**{field: spell(asked)})
        except ValueError:
            return queryset.none()

    named = {"parameter_name": field, "title": title or field.replace("_", " "), "queryset": queryset}
    return type("Exactly", (TextFilter,), named)


def number(text: str) -> int:
    """Return the number that ``text`` is; ValueError where it is none that a row can have."""
    if not text.strip().isascii() or (found := int(text)) > MOST or found < 0:
        raise ValueError("Is no number of a row.")
    return found
