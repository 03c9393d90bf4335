"""The base of every model's screens: shown to whom the roles table lets read it, and never edited.

What may be changed is offered as buttons that lead to the form of a registered action.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, ClassVar

from django.contrib.admin.utils import unquote
from django.core.exceptions import BadRequest
from django.db.models import Model
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from governance import roles
from governance.console import columns, history
from governance.console.offers import Button, Offer, buttons, may

_ORDER = re.compile(r"(-?\d{1,2}(\.-?\d{1,2})*)?")


class Screen(ModelAdmin):
    """A model as it is listed and shown. ``offers`` lead to a row's changes, whose target ``target`` names.

    ``list_offers`` are those of no row in particular, such as a new policy. In the fields ``limits`` null is no limit.
    ``empty`` says of a list without rows where they come from. The order that a person chose for a list is kept for the
    length of their session.
    """

    right = roles.READ
    offers: Sequence[Offer] = ()
    list_offers: Sequence[Offer] = ()
    limits: Sequence[str] = ()
    empty = "Nothing has been recorded."
    list_per_page = 50
    show_full_result_count = False
    list_filter_submit = True
    actions: ClassVar = None
    # Unfold asks every row and every field for these: what is not there costs many times what is empty.
    list_sections: Sequence[Any] = ()
    conditional_fields: Mapping[str, str] = MappingProxyType({})
    list_before_template = "console/offers.html"
    change_form_outer_before_template = "console/offers.html"

    def target(self, row: Any) -> str:
        """Return the row's name as its actions take it."""
        return str(row)

    def links(self, row: Any) -> Sequence[Button]:
        """Return the links to a row's further pages."""
        return ()

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Say whether the person may see this."""
        return may(request, self.right)

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Say whether the person may see anything of this app."""
        return may(request, self.right)

    def has_add_permission(self, request: HttpRequest, *_args: Any) -> bool:
        """Return False: rows are written by services."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Return False: rows are written by services."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Return False: nothing here is deleted."""
        return False

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        """Return the columns, money and times as a person reads them."""
        plain = {field.name for field in self.opts.get_fields()}
        return [
            self._column(name) if isinstance(name, str) and name in plain else name
            for name in super().get_list_display(request)
        ]

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> list[Any]:
        """Return the fields of the detail, money and times as a person reads them."""
        plain = {field.name: field for field in self.opts.fields}
        told = [name for name, field in plain.items() if not field.primary_key]
        shown = self.fields or sorted(told, key=self._inherited().__contains__)
        return [self._column(name) if name in plain else name for name in shown]

    get_readonly_fields = get_fields

    def _inherited(self) -> set[str]:
        """Return the fields of abstract models, which say how a row is kept and stand after what it is."""
        bases = (base._meta for base in self.model.__mro__ if issubclass(base, Model) and base is not Model)
        return {field.name for meta in bases if meta.abstract for field in meta.local_fields}

    def get_form(self, request: HttpRequest, obj: Model | None = None, change: bool = False, **kwargs: Any) -> Any:
        """Return the form whose fields are shown, with help texts in the unit that is shown."""
        told = {field.name: columns.help_of(field) for field in self.opts.fields if field.help_text}
        return super().get_form(request, obj, change, **{**kwargs, "help_texts": told})

    def _column(self, name: str) -> Any:
        return columns.of(self.model, name, limit=name in self.limits)

    def _offered(self, request: HttpRequest, row: Any) -> list[Button]:
        target = self.target(row)
        offered = buttons(request, self.offers, target, row)
        if self.offers and may(request, roles.AUDIT):
            offered.append(Button("History", history.href(self.offers[0].action, target), ""))
        return [*offered, *self.links(row)]

    def listed(self, request: HttpRequest) -> list[Button]:
        """Return the buttons of the list."""
        return buttons(request, self.list_offers, "")

    def tidy_address(self, request: HttpRequest) -> None:
        """Take what is left empty out of the address; refuse what no database can be asked for."""
        kept = request.GET.copy()
        for name, values in request.GET.lists():
            if any("\0" in value for value in values):
                raise BadRequest(f"{name} holds a NUL character.")
            if not any(values) and name != "o":
                del kept[name]
        request.GET = kept  # type: ignore[assignment]  # one that can be changed is one that can be read

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """Return the list, which offers to show all where not all is shown."""
        shown = super().get_changelist_instance(request)
        if not (shown.has_active_filters or shown.query):
            shown.full_result_count = shown.result_count
        return shown

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        """Show the list in the order that was chosen last, with what is offered beside it."""
        self.tidy_address(request)
        if self.sortable_by is None:
            _keep_order(request, f"order of {self.opts.label_lower}")
        return super().changelist_view(request, {"offered": self.listed(request), **(extra_context or {})})

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> Any:
        """Show a row, with what is offered for it."""
        row = self.get_object(request, unquote(object_id)) if object_id else None
        offered = self._offered(request, row) if row is not None else []
        return super().changeform_view(request, object_id, form_url, {"offered": offered, **(extra_context or {})})


def _keep_order(request: HttpRequest, name: str) -> None:
    """Keep the order that the address asks for, or put the kept one into an address that asks for none."""
    asked = request.GET.get("o")
    if asked is None and name in request.session:
        request.GET["o"] = request.session[name]  # type: ignore[misc]  # a copy that can be changed
    elif asked is not None and _ORDER.fullmatch(asked) and asked != request.session.get(name):
        request.session[name] = asked
