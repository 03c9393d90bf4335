"""The form of a change, generated from its action's schema. It reads; the door alone validates, in one place."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Collection, Mapping
from typing import Any

from django import forms
from django.conf import settings
from rest_framework import serializers
from unfold.widgets import (
    UnfoldAdminExpandableTextareaWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
    UnfoldBooleanWidget,
)

from governance import clock
from governance.console import figures
from governance.fields import MAX_TEXT, CountField, FractionField, UnitsField
from governance.register import Action

_NUMBERS = (UnitsField, CountField, FractionField)


class LimitWidget(forms.MultiWidget):
    """A figure beside a box that says there is none: an empty figure alone must never lift a limit."""

    template_name = "console/limit.html"

    def __init__(self, unit: str) -> None:
        """Show ``unit`` behind the figure."""
        figure = UnfoldAdminTextInputWidget({"inputmode": "decimal", "suffix": unit})
        super().__init__({"figure": figure, "none": UnfoldBooleanWidget()})

    def id_for_label(self, id_: str) -> str:
        """Return the figure's id, so that the field's label is the figure's."""
        return f"{id_}_0"

    def decompress(self, value: Any) -> list[Any]:
        """Return the figure and whether there is none."""
        return [value, value is None]


class LimitField(forms.MultiValueField):
    """A figure, or none at all."""

    def __init__(self, unit: str, **kwargs: Any) -> None:
        """Take a figure in ``unit``."""
        parts = (forms.CharField(required=False), forms.BooleanField(required=False))
        super().__init__(parts, require_all_fields=False, widget=LimitWidget(unit), **kwargs)

    def compress(self, data_list: list[Any]) -> str | None:
        """Return the figure's text, or None where the box is ticked."""
        figure, none = data_list or ["", False]
        if none:
            return None
        if not figure:
            raise forms.ValidationError("Give a figure, or tick that there is no limit.")
        return str(figure)


class EndFormField(forms.CharField):
    """A time in UTC, in the browser's own picker; empty is never."""

    widget = UnfoldAdminTextInputWidget({"type": "datetime-local"})

    def __init__(self, **kwargs: Any) -> None:
        """Take nothing for never."""
        super().__init__(empty_value=None, **kwargs)

    def prepare_value(self, value: Any) -> Any:
        """Return the time as the picker takes it, to the minute."""
        return value[:16] if isinstance(value, str) else value


class ChangeForm(forms.Form):
    """The fields of an action's schema, filled with how the target stands, and the reason.

    With ``preset`` only its fields are there, as the link that led here set them, and those that it ``asks`` for.
    """

    def __init__(
        self,
        spec: Action,
        standing: Mapping[str, Any],
        preset: Mapping[str, Any],
        asks: Collection[str] = (),
        data: Any = None,
    ) -> None:
        """Build the form over ``data``, or unbound, filled."""
        super().__init__(data, auto_id="act_%s")
        self.schema, self.standing = dict(spec.schema().fields.items()), standing
        chosen = [name for name in self.schema if not preset or name in preset or name in asks]
        for name in chosen:
            field = _field(self.schema[name])
            stood = standing.get(name, field.initial)
            field.initial = preset.get(name, to_come(stood) if isinstance(field, EndFormField) else stood)
            self.fields[name] = field
        self.controls: Collection[str] = chosen
        self.fields["reason"] = forms.CharField(
            label="Reason", max_length=MAX_TEXT, required=not spec.urgent, widget=UnfoldAdminExpandableTextareaWidget(),
            help_text="Kept with the change in the audit trail.",
        )  # fmt: skip

    def asked(self) -> dict[str, Any]:
        """Return every control as the form has it (or as it was filled, while it is unbound), for the door to read."""
        values = self.cleaned_data if self.is_bound else {name: self.fields[name].initial for name in self.controls}
        return {name: values[name] for name in self.controls if name in values}

    def blame(self, errors: Mapping[str, list[str]]) -> None:
        """Put the door's sentences beside the fields that they name."""
        for name, said in errors.items():
            self.add_error(name if name in self.fields else None, said)


def to_come(end: str | None) -> str | None:
    """Return an end, as a snapshot holds it, that is yet to come; None for one that is over: it can be set no more."""
    return end if end and dt.datetime.fromisoformat(end) > clock.now() else None


def seen(standing: Mapping[str, Any], controls: Collection[str]) -> str:
    """Return a mark of how the controls stood when a person saw them, so that an old page is told from a new one."""
    text = json.dumps({name: standing.get(name) for name in sorted(controls)}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _field(schema: Any) -> forms.Field:
    told: dict[str, Any] = {
        "label": figures.label(schema.field_name, schema),
        "help_text": schema.help_text or "",
        "required": False,
    }
    if isinstance(schema, serializers.BooleanField):
        return forms.BooleanField(widget=UnfoldBooleanSwitchWidget(), initial=False, **told)
    if isinstance(schema, serializers.ChoiceField):
        choices = [*([("", "choose")] if schema.allow_blank else []), *schema.choices.items()]
        return forms.ChoiceField(choices=choices, widget=UnfoldAdminSelectWidget(), **told)
    if isinstance(schema, serializers.DateTimeField):
        return EndFormField(**told)
    unit = settings.VALHALLA_CURRENCY if isinstance(schema, UnitsField) else getattr(schema, "unit", "")
    if schema.allow_null:
        return LimitField(unit, **told)
    mode = {"inputmode": "decimal"} if isinstance(schema, _NUMBERS) else {}
    return forms.CharField(widget=UnfoldAdminTextInputWidget({**mode, "suffix": unit}), **told)
