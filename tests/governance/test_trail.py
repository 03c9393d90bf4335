"""The sealed trail: what is sealed when, and that every kind of tampering is found and its first row named."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.db.models import F
from hypothesis import given
from hypothesis import strategies as st

from governance import audit, clock, origin
from governance.models import AuditEvent, Seal
from governance.trail import canonical, notes, reading, sealing, sources, verifying
from governance.trail.verifying import Head
from heimdall.models import HeimdallEvent
from regression.models import KpiEvent
from riskguard.models import RiskEvent
from tests.append_only import lifted, raw
from tests.databases import vendor
from tests.heimdall.factories import EventFactory as HeimdallEventFactory
from tests.regression.factories import EventFactory as KpiEventFactory
from tests.riskguard.factories import EventFactory
from tests.riskguard.racing import Caller

NOON = dt.datetime(2026, 11, 24, 12, tzinfo=dt.UTC)
Capture = pytest.CaptureFixture[str]

# On PostgreSQL the sealer goes by transactions, so each row is committed by itself.
pytestmark = pytest.mark.django_db(transaction=vendor() == "postgresql")


def seal_everything() -> int:
    """Seal all that stands, and return how many rows that were.

    Transactions are a whole server's: one of another test, in another database, may hold the sealer back for a while.
    """
    deadline = time.monotonic() + 60
    rows = 0
    while True:
        seal = sealing.seal_some()
        rows += seal.rows if seal else 0
        if seal is None and sealing.waiting() == 0:
            return rows
        assert time.monotonic() < deadline, "rows stay unsealed"


@pytest.fixture
def sealed(db: None, monkeypatch: pytest.MonkeyPatch) -> list[Seal]:
    """Return the seals over ten rows of each source, with a few under each seal."""
    monkeypatch.setattr(sealing, "BATCH", 7)
    sealing.seal_some()
    for number in range(10):
        audit.record(action="x", target=str(number), actor="jo", before={"b": 1, "a": [1.5, None]})
        EventFactory(kind="DENY", amount=number + 1)
        HeimdallEventFactory(confidence=0.25, figures={"holds": []})
        KpiEventFactory(success=number % 2 == 0)
    seal_everything()
    return list(Seal.objects.order_by("number"))


def _findings(head: Head | None = None) -> list[str]:
    return [str(finding) for checked in verifying.check(head=head) for finding in checked.findings]


def _ids(model: Any) -> list[int]:
    return list(model.objects.order_by("pk").values_list("pk", flat=True))


def test_what_is_recorded_is_sealed_once_in_a_chain_without_gaps(sealed: list[Seal]) -> None:
    assert [seal.number for seal in sealed] == list(range(1, len(sealed) + 1))
    assert sum(seal.rows for seal in sealed) == 40
    assert max(seal.rows for seal in sealed) == 7
    assert sealed[0].previous == "0" * 64
    assert [seal.previous for seal in sealed[1:]] == [seal.hash for seal in sealed[:-1]]
    assert all(canonical.digest(seal.text) == seal.hash for seal in sealed)
    assert _findings() == []
    assert sealing.waiting() == 0
    assert sealing.seal_some() is None


def test_a_chain_that_begins_late_seals_what_stood_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealing, "BATCH", 3)
    rows = EventFactory.create_batch(8, kind="DENY")
    seal_everything()
    EventFactory(kind="DENY")
    assert sealing.waiting() == 1
    seal_everything()
    assert _findings() == []
    with lifted():
        raw(RiskEvent).filter(pk=rows[4].pk).update(amount=F("amount") + 1)
    assert _findings()[0].startswith(f"risk_event row {rows[4].pk} was edited")


def test_what_was_sealed_before_a_column_came_is_held_against_the_columns_of_its_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    today = sources.every()
    with monkeypatch.context() as earlier:
        once = [dataclasses.replace(trail, columns={1: trail.columns[1]}) for trail in today]
        earlier.setattr(sources, "every", lambda: once)
        sealing.seal_some()
        old = EventFactory(kind="DENY")
        assert seal_everything() == 1
    with origin.of(request_id="trace-0123"):
        new = EventFactory(kind="DENY")
    assert seal_everything() == 1
    versions = [json.loads(seal.text)["sources"]["risk_event"]["version"] for seal in Seal.objects.order_by("number")]
    assert versions == [1, 1, 2]
    assert _findings() == []
    with lifted():
        raw(RiskEvent).filter(pk=new.pk).update(request_id="another")
    assert [said.partition(" (")[0] for said in _findings()] == [f"risk_event row {new.pk} was edited"]
    assert old.request_id == ""


def test_the_newest_seal_covers_every_column() -> None:
    for trail in sources.every():
        columns = {field.attname for field in trail.model._meta.concrete_fields}
        assert set(trail.columns[max(trail.columns)]) == columns, trail.name


def test_a_rows_text_is_one_spelling_of_integers_and_strings() -> None:
    values = [7, True, 0.1, None, NOON, NOON.date(), '{"a": [false]}', "é"]
    (text,) = canonical.texts("t", 1, [values])
    assert text == '["t",1,7,1,"0.1",null,"2026-11-24T12:00:00+00:00","2026-11-24","{\\"a\\": [false]}","é"]'


ODD = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False, allow_infinity=False),
    st.text(), st.sampled_from(["]\x1f[", "\x1f", '","', "],[", "\u2028"]), st.datetimes(timezones=st.just(dt.UTC)),
    st.dates(),
)  # fmt: skip


@pytest.mark.sqlite
@given(rows=st.integers(1, 6).flatmap(lambda wide: st.lists(st.lists(ODD, min_size=wide, max_size=wide), max_size=5)))
def test_many_rows_are_written_as_each_is_by_itself(rows: list[list[Any]]) -> None:
    texts = canonical.texts("t", 1, rows)
    assert texts == [text for row in rows for text in canonical.texts("t", 1, [row])]
    assert [json.loads(text)[:2] for text in texts] == [["t", 1]] * len(rows)
    for row, text in zip(rows, texts, strict=True):
        told = [str(value) if isinstance(value, float) else value for value in row]
        plain = [value.isoformat() if isinstance(value, dt.date) else value for value in told]
        assert text == json.dumps(["t", 1, *[+v if v is True or v is False else v for v in plain]], ensure_ascii=False,
                                  separators=(",", ":"))  # fmt: skip


def _edit(model: Any, **change: Any) -> Callable[[], str]:
    def tamper() -> str:
        row = _ids(model)[4]
        raw(model).filter(pk=row).update(**change)
        return f"{model._meta.db_table} row {row} was edited"

    return tamper


def _remove(model: Any) -> Callable[[], str]:
    def tamper() -> str:
        row = _ids(model)[5]
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
    one, other = _ids(AuditEvent)[2:4]
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


@pytest.mark.parametrize("kind", TAMPERINGS)
def test_every_kind_of_tampering_is_found_and_named(kind: str, sealed: list[Seal]) -> None:
    with lifted():
        told = TAMPERINGS[kind]()
    assert _findings()[0].startswith(told), _findings()


@pytest.mark.postgresql
def test_a_row_moved_to_another_transaction_is_reordered(sealed: list[Seal]) -> None:
    row, later = RiskEvent.objects.order_by("pk")[2], RiskEvent.objects.order_by("pk")[8]
    with lifted():
        raw(RiskEvent).filter(pk=row.pk).update(tx=later.tx)
    assert _findings()[0].startswith(f"risk_event row {row.pk} was reordered")


def test_a_trail_cut_off_at_its_end_is_found_against_an_exported_head(sealed: list[Seal], tmp_path: Path) -> None:
    head = Head(1, sealed[-1].number, sealed[-1].hash)
    assert _findings(head) == []
    with lifted():
        for model in (RiskEvent, AuditEvent, HeimdallEvent, KpiEvent):
            raw(model).filter(pk__in=_ids(model)[-3:])._raw_delete(using="default")
        raw(Seal).filter(number__gte=sealed[-2].number)._raw_delete(using="default")
    assert _findings(head)[-1].startswith(f"the trail does not hold the exported head 1.{head.number}")


def test_what_retention_removes_with_a_note_is_no_alarm(sealed: list[Seal]) -> None:
    ids = [*_ids(KpiEvent)[:3], _ids(KpiEvent)[6]]
    notes.removed(action="retain", table="kpi_event", ids=ids, actor="cron", reason="old", details={"days": 90})
    KpiEvent.objects.filter(pk__in=ids).delete()
    assert _findings() == []
    assert AuditEvent.objects.latest("pk").after == {"days": 90, "ranges": [[ids[0], ids[2]], [ids[3], ids[3]]]}
    KpiEvent.objects.filter(pk=_ids(KpiEvent)[0]).delete()
    assert len(_findings()) == 1


@pytest.mark.postgresql
def test_a_restored_database_begins_a_chain_that_names_the_old_head(
    sealed: list[Seal], monkeypatch: pytest.MonkeyPatch
) -> None:
    late = EventFactory(kind="DENY")
    monkeypatch.setattr(sealing, "_cluster", lambda: "another")
    seal_everything()
    first = Seal.objects.get(chain=2, number=1)
    assert first.previous == sealed[-1].hash
    assert _findings() == []
    EventFactory(kind="DENY")
    seal_everything()
    assert _findings() == []
    with lifted():
        raw(RiskEvent).filter(pk=late.pk).update(amount=77)
    assert _findings()[0].startswith(f"risk_event row {late.pk} was edited")


@pytest.mark.postgresql
def test_a_row_that_commits_late_is_neither_missed_nor_an_alarm() -> None:
    sealing.seal_some()
    under_way, go_on = threading.Event(), threading.Event()

    def slow() -> None:
        with transaction.atomic():
            EventFactory(kind="DENY", engine="SLOW")
            under_way.set()
            go_on.wait(timeout=20)

    late = Caller(slow)
    under_way.wait(timeout=20)
    EventFactory(kind="DENY", engine="FAST")
    assert sealing.seal_some() is None, "the later row was sealed before the earlier one could be seen"
    go_on.set()
    late.told()
    assert seal_everything() == 2
    assert _findings() == []


def test_the_reading_joins_every_source_the_newest_first_page_by_page() -> None:
    with clock.at(NOON):
        audit.record(action="x", target="y", actor="jo")
        EventFactory(kind="DENY", engine="WHOLESALE", reason="would_exceed_policy", at=NOON, actor="bot")
        KpiEventFactory(at=NOON - dt.timedelta(seconds=1), actor="bot", success=False)
        HeimdallEventFactory(at=NOON + dt.timedelta(seconds=1), actor="ai")
    whole = reading.page(most=10)
    assert [line.mark.source for line in whole] == ["heimdall_event", "risk_event", "audit_event", "kpi_event"]
    paged: list[Any] = []
    below = None
    while page := reading.page(most=1, below=below):
        paged += page
        below = reading.mark(reading.cursor(page[-1].mark))
    assert paged == whole
    assert [line.told.actor for line in reading.page(most=10, actor="bot")] == ["bot", "bot"]
    assert [line.mark.source for line in reading.page(most=10, since=NOON, source="risk_event")] == ["risk_event"]


def test_the_reading_over_the_api(api: Any) -> None:
    for number in range(3):
        EventFactory(kind="DENY", amount=number + 1, correlation_id=f"c{number}")
    first = api.get("/api/governance/trail", {"page_size": 2}).json()
    assert [line["correlation_id"] for line in first["results"]] == ["c2", "c1"]
    rest = api.get("/api/governance/trail", {"cursor": first["next"]}).json()
    assert [line["correlation_id"] for line in rest["results"]] == ["c0"]
    assert rest["next"] is None
    for query in ({"cursor": "x"}, {"page_size": 0}, {"since": "yesterday"}, {"actor": "\0"}, {"cursor": "a~b~c"}):
        answer = api.get("/api/governance/trail", query)
        assert (answer.status_code, list(answer.json()["errors"])) == (400, list(query))


def test_the_commands_seal_verify_and_export(capsys: Capture, tmp_path: Path) -> None:
    call_command("verify_audit")
    assert "Nothing is sealed yet" in capsys.readouterr().out
    with pytest.raises(CommandError, match="seal_audit"):
        call_command("export_audit_head")
    row = EventFactory(kind="DENY")
    while sealing.waiting():
        call_command("seal_audit")
    assert "row(s) sealed." in capsys.readouterr().out
    call_command("export_audit_head")
    head = tmp_path / "head.json"
    head.write_text(capsys.readouterr().out)
    call_command("verify_audit", head=str(head))
    assert "The trail agrees" in capsys.readouterr().out
    with lifted():
        raw(RiskEvent).filter(pk=row.pk).update(amount=5)
    with pytest.raises(SystemExit) as ended:
        call_command("verify_audit")
    assert ended.value.code == 1
    assert f"risk_event row {row.pk} was edited (seal 1." in capsys.readouterr().out
    head.write_text("{}")
    with pytest.raises(CommandError) as refused:
        call_command("verify_audit", head=str(head))
    assert refused.value.returncode == 2
