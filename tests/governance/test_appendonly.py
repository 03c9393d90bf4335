"""Rows that are appended: neither the models nor the database change or delete one, and every migration keeps it so."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import IntegrityError, connection, migrations, models, transaction
from django.db.migrations.state import ProjectState

from governance import appendonly, audit, readiness
from governance.appendonly import AppendOnly, AppendOnlyError
from governance.models import AuditEvent, ReviewDecision, Seal
from governance.trail import sealing
from heimdall.models import HeimdallEvent
from regression.models import KpiEvent
from riskguard import services
from riskguard.models import RiskEvent, RiskReservation
from tests.append_only import raw
from tests.governance.factories import ReviewDecisionFactory
from tests.heimdall.factories import EventFactory as HeimdallEventFactory
from tests.regression.factories import EventFactory as KpiEventFactory
from tests.riskguard.factories import EventFactory, go_live, policy, reserved

pytestmark = pytest.mark.django_db


def _audit() -> AuditEvent:
    return audit.record(action="x", target="y", actor="jo")


def _seal() -> Seal:
    _audit()
    seal = sealing.seal_some()
    assert seal is not None
    return seal


EVENTS: dict[type[AppendOnly], Callable[[], Any]] = {
    AuditEvent: _audit,
    HeimdallEvent: HeimdallEventFactory,
    KpiEvent: KpiEventFactory,
    RiskEvent: lambda: EventFactory(kind="DENY"),
    ReviewDecision: ReviewDecisionFactory,
    Seal: _seal,
}


def _column(model: type[AppendOnly]) -> str:
    return {Seal: "hash", ReviewDecision: "decided_by"}.get(model, "actor")


def test_every_append_only_model_is_tested_here() -> None:
    assert set(EVENTS) == {model for model in apps.get_models() if issubclass(model, AppendOnly)}


@pytest.mark.parametrize("model", EVENTS)
def test_the_database_refuses_to_change_a_row(model: type[AppendOnly]) -> None:
    row = EVENTS[model]()
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        raw(model).filter(pk=row.pk).update(**{_column(model): "forged"})
    assert getattr(model._default_manager.get(pk=row.pk), _column(model)) != "forged"


@pytest.mark.parametrize("model", [model for model in EVENTS if not model.expendable])
def test_the_database_refuses_to_delete_a_row(model: type[AppendOnly]) -> None:
    row = EVENTS[model]()
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        raw(model).filter(pk=row.pk)._raw_delete(using="default")
    assert model._default_manager.filter(pk=row.pk).exists()


@pytest.mark.postgresql
@pytest.mark.parametrize("table", [*(model._meta.db_table for model in EVENTS), "risk_reservation"])
def test_the_database_refuses_to_empty_a_table(table: str) -> None:
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {table} CASCADE")


@pytest.mark.parametrize("model", EVENTS)
def test_the_model_refuses_before_the_database_is_asked(model: type[AppendOnly]) -> None:
    row = EVENTS[model]()
    rows = model._default_manager.filter(pk=row.pk)
    attempts: list[Callable[[], Any]] = [
        row.save, row.delete, lambda: rows.update(tx=1), lambda: rows.bulk_update([row], ["tx"]),
    ]  # fmt: skip
    attempts += [] if model.expendable else [rows.delete]
    for attempt in attempts:
        with pytest.raises(AppendOnlyError, match="append-only"):
            attempt()


def test_what_retention_may_remove_can_be_deleted_and_not_changed() -> None:
    row = KpiEventFactory()
    assert KpiEvent.objects.filter(pk=row.pk).delete()[0] == 1


@pytest.mark.parametrize("status", ["SETTLED", "RELEASED", "EXPIRED"])
def test_a_resolved_reservation_is_final(status: str) -> None:
    held = _resolved(status)
    for change in ({"resolved_by": "forger"}, {"status": "OPEN", "closed_at": None, "closed_day": None}):
        with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
            RiskReservation.objects.filter(pk=held.pk).update(**change, realized_loss=None, settled_day=None)
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        RiskReservation.objects.filter(pk=held.pk)._raw_delete(using="default")


@pytest.mark.parametrize("change", [{"amount": 1}, {"engine": "OTHER"}, {"actor": "x"}, {"currency": "EUR"}])
def test_what_was_reserved_never_changes(change: dict[str, Any]) -> None:
    held = _resolved("OPEN")
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        RiskReservation.objects.filter(pk=held.pk).update(**change)


def test_an_expired_reservation_is_settled_late_and_once() -> None:
    held = _resolved("EXPIRED")
    services.settle(reservation_id=held.pk, realized_loss=5, actor="bot")
    held.refresh_from_db()
    assert (held.status, held.realized_loss) == ("SETTLED", 5)


def _resolved(status: str) -> RiskReservation:
    go_live()
    policy("GLOBAL")
    policy("WHOLESALE")
    held = reserved("WHOLESALE", 700)
    if status == "SETTLED":
        services.settle(reservation_id=held.pk, realized_loss=0, actor="bot")
    elif status == "RELEASED":
        services.release(reservation_id=held.pk, actor="bot")
    elif status == "EXPIRED":
        RiskReservation.objects.filter(pk=held.pk).update(expires_at=held.created_at)
        services.expire_some()
    held.refresh_from_db()
    assert held.status == status
    return held


def test_every_trigger_stands_after_every_migration() -> None:
    assert appendonly.missing() == []
    assert {guard.table for guard in appendonly.guards()} == {
        "audit_event", "audit_seal", "heimdall_event", "heimdall_recommendation", "kpi_event", "review_decision",
        "risk_event", "risk_reservation",
    }  # fmt: skip


@pytest.mark.django_db(transaction=True)
def test_a_rebuilt_table_gets_its_triggers_back_with_the_migration() -> None:
    state = ProjectState.from_apps(KpiEvent._meta.apps)
    wider = models.CharField(max_length=65, help_text="The metric, such as contract_rate.")
    for field in (wider, KpiEvent._meta.get_field("metric").clone()):
        operation = migrations.AlterField("kpievent", "metric", field)
        after = state.clone()
        operation.state_forwards("regression", after)
        with connection.schema_editor() as editor:
            operation.database_forwards("regression", editor, state, after)
        state = after
    lost = appendonly.missing()
    assert lost == (["kpi_event_no_update"] if connection.vendor == "sqlite" else [])
    call_command("migrate", verbosity=0)
    assert appendonly.missing() == []


@pytest.mark.django_db(transaction=True)
def test_the_documented_rollback_drops_the_triggers_and_going_up_again_puts_them_back() -> None:
    KpiEventFactory()
    call_command("migrate", "regression", "0002", verbosity=0)
    try:
        assert "kpi_event" not in {guard.table for guard in appendonly.guards()}
        assert appendonly.missing() == []
        with connection.cursor() as cursor:
            cursor.execute("UPDATE kpi_event SET actor = 'x'")
    finally:
        call_command("migrate", verbosity=0)
    assert "kpi_event" in {guard.table for guard in appendonly.guards()}
    assert appendonly.missing() == []


def test_the_checklist_names_a_trigger_that_is_gone() -> None:
    guard = next(guard for guard in appendonly.guards() if guard.table == "audit_event")
    guard.drop(connection)
    line = readiness.checklist()["required"]["backend_complete"]
    assert not line["ok"]
    assert "audit_event_no_update" in line["detail"]
    guard.install(connection)
    assert "audit_event" not in readiness.checklist()["required"]["backend_complete"]["detail"]
