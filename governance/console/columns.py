"""Columns of the lists: money with its currency, times in UTC with their age, a status as a coloured word."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from django.contrib import admin
from django.db import models
from django.db.models import Case, Value, When
from django.utils.html import format_html
from unfold.decorators import display

from governance import money
from governance.console import figures

Column = Callable[[Any], Any]
_STORED = re.compile(r",? in minor units( \(25000 is 250\.00\))?")
GOOD, WARN, BAD, INFO = "success", "warning", "danger", "info"


def of(model: type[models.Model], name: str, *, limit: bool = False) -> Column | str:
    """Return how a plain field is shown: money, times and limits in words, any other as the admin does."""
    field: Any = model._meta.get_field(name)
    if isinstance(field, models.DateTimeField):
        return _named(name, moment(name, str(field.verbose_name), figures.NO_END if name == "until" else "never"))
    if limit or isinstance(field, money.MinorUnitsField):
        spoken = money.spoken if isinstance(field, money.MinorUnitsField) else "{:,}".format
        return _named(name, figure(name, str(field.verbose_name), spoken, figures.NO_LIMIT if limit else "-"))
    if isinstance(field, models.JSONField):
        return _named(name, document(name, str(field.verbose_name)))
    return name


def _named(name: str, column: Column) -> Column:
    column.__name__ = name  # by which the admin finds the field's help text
    return column


def help_of(field: models.Field[Any, Any]) -> str:
    """Return a field's help text, with the unit in which the console shows it, not the one it is stored in."""
    return _STORED.sub("", str(field.help_text))


def figure(name: str, title: str, spoken: Callable[[int], str], empty: str) -> Column:
    """Return a column of figures as ``spoken`` says them; ``empty`` stands for null."""

    @admin.display(description=title, ordering=name)
    def column(row: Any) -> str:
        value = getattr(row, name)
        return empty if value is None else spoken(value)

    return column


def by_row(key: str, told: Mapping[Any, Any]) -> Case:
    """Return what is told of each row, by its field ``key``, as a column of the query; null where nothing is."""
    cases = (When(**{key: value}, then=Value(said)) for value, said in told.items())
    return Case(*cases, default=Value(None), output_field=models.TextField())


def moment(name: str, title: str, empty: str) -> Column:
    """Return a column of times in UTC, with their age; ``empty`` stands for null."""

    @admin.display(description=title, ordering=name)
    def column(row: Any) -> str:
        at = getattr(row, name)
        if at is None:
            return format_html('<span class="vh-moment">{}</span>', empty)
        # The line may break before the age alone.
        return format_html('<span class="vh-moment">{}</span> ({})', *figures.stamp(at))

    return column


@admin.display(description="Last change", ordering="updated_at")
def last_change(row: Any) -> str:
    """Return when a row was changed last, how long ago, and by whom."""
    told = '<span class="vh-moment">{}</span> ({}) by {}'
    return format_html(told, *figures.stamp(row.updated_at), row.changed_by)


def document(name: str, title: str) -> Column:
    """Return a column of JSON: names in one line, anything else as it is, without the inline styles of unfold's."""

    @admin.display(description=title)
    def column(row: Any) -> str:
        value = getattr(row, name)
        if isinstance(value, list) and all(isinstance(item, str) for item in value):
            return ", ".join(value) or "-"
        return "-" if value is None else format_html('<pre class="vh-json">{}</pre>', json.dumps(value, indent=2))

    return column


def word(name: str, title: str, words: Mapping[Any, tuple[str, str]]) -> Column:
    """Return a column of one coloured word: the word and its tone by value."""

    def column(row: Any) -> str:
        return words[getattr(row, name)][0]

    shown: Column = display(description=title, ordering=name, label=dict(words.values()))(column)
    return shown


def choice(name: str, title: str, choices: type[models.TextChoices], tones: Mapping[str, str]) -> Column:
    """Return a column of one coloured word of ``choices``; the tone is ``info`` where ``tones`` has none."""
    return word(name, title, {value: (str(said), tones.get(value, INFO)) for value, said in choices.choices})
