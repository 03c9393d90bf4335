"""Rows by plain SQL are what Django would make of them."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, transaction
from django.forms.models import model_to_dict

from governance import rows
from governance.models import Hold
from riskguard.models import RiskPolicy, RiskReservation
from tests.governance.factories import HoldFactory
from tests.rows import ROWS, our_models

pytestmark = pytest.mark.django_db


def _stored(row: rows.models.Model) -> dict[str, object]:
    return type(row)._default_manager.filter(pk=row.pk).values().get()


def test_every_model_of_ours_is_read_as_django_would() -> None:
    for model in our_models():
        row = model._default_manager.first() or ROWS[model]()
        table, key = model._meta.db_table, model._meta.pk.column
        (read,) = rows.selected(model, f"SELECT * FROM {table} WHERE {key} = %s", [row.pk])  # noqa: S608 -- ours
        assert {field.attname: getattr(read, field.attname) for field in model._meta.concrete_fields} == _stored(row)
        assert not read._state.adding


def test_a_new_row_learns_what_the_database_has_set() -> None:
    made = ROWS[RiskReservation]()
    assert made.pk is not None
    assert model_to_dict(made) == model_to_dict(RiskReservation.objects.get(pk=made.pk))


def test_a_row_is_written_whole_or_in_part() -> None:
    row, other = RiskPolicy.objects.get(engine="CAPITAL"), RiskPolicy.objects.get(engine="CAPITAL")
    row.reason, row.max_open_risk = "both", 7
    row.save(update_fields=["reason"])
    assert RiskPolicy.objects.filter(pk=row.pk).values_list("reason", "max_open_risk").get() == ("both", 75_000)
    row.save()
    assert RiskPolicy.objects.filter(pk=row.pk).values_list("reason", "max_open_risk").get() == ("both", 7)
    assert other.max_open_risk == 75_000


def test_a_field_that_there_is_not_is_an_error() -> None:
    row = RiskPolicy.objects.get(engine="CAPITAL")
    with pytest.raises(KeyError, match="max_open_risks"):
        row.save(update_fields=["reason", "max_open_risks"])


def test_a_row_that_is_gone_is_not_inserted_again() -> None:
    row = RiskPolicy.objects.get(engine="CAPITAL")
    RiskPolicy.objects.filter(pk=row.pk).delete()
    with pytest.raises(DatabaseError, match="CAPITAL is gone from risk_policy"), transaction.atomic():
        row.save()
    assert not RiskPolicy.objects.filter(engine="CAPITAL").exists()


def test_one_that_stands_is_kept_where_that_is_asked_for() -> None:
    held = HoldFactory(reason="first")
    again = Hold(**{name: value for name, value in _stored(held).items() if name != "id"} | {"reason": "second"})
    rows.insert(again, on_conflict="DO NOTHING")
    assert again.pk is None
    assert Hold.objects.get(pk=held.pk).reason == "first"
