"""Every kind of tampering with the sealed trail is found, and its first row named."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction

from governance.models import AuditEvent, Seal
from governance.trail import canonical
from governance.trail.verifying import Head
from heimdall.models import HeimdallEvent
from regression.models import KpiEvent
from riskguard.models import RiskEvent
from tests.append_only import lifted, raw
from tests.databases import vendor
from tests.governance.trails import findings, ids_of

NOON = dt.datetime(2026, 11, 24, 12, tzinfo=dt.UTC)

# On PostgreSQL the sealer goes by transactions, so each row is committed by itself.
pytestmark = pytest.mark.django_db(transaction=vendor() == "postgresql")


def _edit(model: Any, **change: Any) -> Callable[[], str]:
    def tamper() -> str:
        row = ids_of(model)[4]
        raw(model).filter(pk=row).update(**change)
        return f"{model._meta.db_table} row {row} was edited"

    return tamper


def _remove(model: Any) -> Callable[[], str]:
    def tamper() -> str:
        row = ids_of(model)[5]
        raw(model).filter(pk=row)._raw_delete(using="default")
        return f"{model._meta.db_table} row {row} was removed"

    return tamper


def _insert() -> str:
    """Put a row among those that are sealed; on SQLite, where ids alone have an order, where one was taken away."""
    row = RiskEvent.objects.order_by("pk")[4]
    forged = RiskEvent.objects.get(pk=row.pk)
    forged.pk, forged._state.adding, forged.amount = row.pk + 10_000, True, 999
    said = f"risk_event row {row.pk + 10_000} was inserted"
    if connection.vendor == "sqlite":
        raw(RiskEvent).filter(pk=row.pk)._raw_delete(using="default")
        forged.pk, said = row.pk, f"risk_event row {row.pk} was edited"
    forged.save(force_insert=True)
    return said


def _swap() -> str:
    one, other = ids_of(AuditEvent)[2:4]
    raw(AuditEvent).filter(pk=one).update(id=99_999)
    raw(AuditEvent).filter(pk=other).update(id=one)
    raw(AuditEvent).filter(pk=99_999).update(id=other)
    # Each has the other's transaction too, which on PostgreSQL is what the order goes by.
    return f"audit_event row {one} was {'edited' if connection.vendor == 'sqlite' else 'reordered'}"


def _edited_seal() -> str:
    raw(Seal).filter(number=3).update(text="{}")
    return "the seal itself was edited"


def _rehashed_seal() -> str:
    seal = Seal.objects.get(number=3)
    parts = json.loads(seal.text)
    parts["sealed_at"] = "2020-01-01T00:00:00+00:00"
    text = canonical.document(parts)
    raw(Seal).filter(number=3).update(text=text, hash=canonical.digest(text))
    return "the seal before it was replaced"


def _renumbered_seal() -> str:
    raw(Seal).filter(number=Seal.objects.count()).update(sealed_at=NOON, previous="f" * 64)
    return "the seal itself was edited: its columns do not agree with its text"


def _removed_seal() -> str:
    raw(Seal).filter(number=3)._raw_delete(using="default")
    return "a seal before it was removed: 1.3 should stand here"


TAMPERINGS: dict[str, Callable[[], str]] = {
    "a decision edited": _edit(RiskEvent, amount=999),
    "a decision's figures edited": _edit(RiskEvent, figures={"x": 1}),
    "an audit row edited": _edit(AuditEvent, actor="somebody else"),
    "an audit row's document edited": _edit(AuditEvent, before={"a": [1.5, None], "b": 2}),
    "a charter's decision edited": _edit(HeimdallEvent, reason="gate_pass"),
    "a KPI edited": _edit(KpiEvent, domain="OTHER"),
    "a decision removed": _remove(RiskEvent),
    "an audit row removed": _remove(AuditEvent),
    "a KPI removed without a note": _remove(KpiEvent),
    "a row inserted": _insert,
    "a row swapped with another": _swap,
    "a seal edited": _edited_seal,
    "a seal edited and hashed anew": _rehashed_seal,
    "a seal's columns edited": _renumbered_seal,
    "a seal removed": _removed_seal,
}


def test_every_kind_of_tampering_is_found_and_named(sealed: list[Seal]) -> None:
    for kind, tamper in TAMPERINGS.items():
        with transaction.atomic():
            with lifted():
                told = tamper()
            found = findings()
            transaction.set_rollback(True)
        assert found[0].startswith(told), (kind, found)
    assert findings() == []


@pytest.mark.postgresql
def test_a_row_moved_to_another_transaction_is_reordered(sealed: list[Seal]) -> None:
    row, later = RiskEvent.objects.order_by("pk")[2], RiskEvent.objects.order_by("pk")[8]
    with lifted():
        raw(RiskEvent).filter(pk=row.pk).update(tx=later.tx)
    assert findings()[0].startswith(f"risk_event row {row.pk} was reordered")


def test_a_trail_cut_off_at_its_end_is_found_against_an_exported_head(sealed: list[Seal], tmp_path: Path) -> None:
    head = Head(1, sealed[-1].number, sealed[-1].hash)
    assert findings(head) == []
    with lifted():
        for model in (RiskEvent, AuditEvent, HeimdallEvent, KpiEvent):
            raw(model).filter(pk__in=ids_of(model)[-3:])._raw_delete(using="default")
        raw(Seal).filter(number__gte=sealed[-2].number)._raw_delete(using="default")
    assert findings(head)[-1].startswith(f"the trail does not hold the exported head 1.{head.number}")
