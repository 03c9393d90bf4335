"""The sealed trail: what is sealed when, and what is no alarm."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import threading
from typing import Any

import pytest
from django.db import transaction
from django.db.models import F
from hypothesis import given
from hypothesis import strategies as st

from governance import origin
from governance.models import AuditEvent, Seal
from governance.trail import canonical, notes, sealing, sources
from regression.models import KpiEvent
from riskguard.models import RiskEvent
from tests.append_only import lifted, raw
from tests.databases import vendor
from tests.governance.trails import findings, ids_of, seal_everything
from tests.riskguard.factories import EventFactory
from tests.riskguard.racing import Caller

NOON = dt.datetime(2026, 11, 24, 12, tzinfo=dt.UTC)

# On PostgreSQL the sealer goes by transactions, so each row is committed by itself.
pytestmark = pytest.mark.django_db(transaction=vendor() == "postgresql")


def test_what_is_recorded_is_sealed_once_in_a_chain_without_gaps(sealed: list[Seal]) -> None:
    assert [seal.number for seal in sealed] == list(range(1, len(sealed) + 1))
    assert sum(seal.rows for seal in sealed) == 40
    assert max(seal.rows for seal in sealed) == 7
    assert sealed[0].previous == "0" * 64
    assert [seal.previous for seal in sealed[1:]] == [seal.hash for seal in sealed[:-1]]
    assert all(canonical.digest(seal.text) == seal.hash for seal in sealed)
    assert findings() == []
    assert sealing.waiting() == 0
    assert sealing.seal_some() is None


def test_a_chain_that_begins_late_seals_what_stood_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealing, "BATCH", 3)
    rows = EventFactory.create_batch(8, kind="DENY")
    seal_everything()
    EventFactory(kind="DENY")
    assert sealing.waiting() == 1
    seal_everything()
    assert findings() == []
    with lifted():
        raw(RiskEvent).filter(pk=rows[4].pk).update(amount=F("amount") + 1)
    assert findings()[0].startswith(f"risk_event row {rows[4].pk} was edited")


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
    assert findings() == []
    with lifted():
        raw(RiskEvent).filter(pk=new.pk).update(request_id="another")
    assert [said.partition(" (")[0] for said in findings()] == [f"risk_event row {new.pk} was edited"]
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


def test_what_retention_removes_with_a_note_is_no_alarm(sealed: list[Seal]) -> None:
    ids = [*ids_of(KpiEvent)[:3], ids_of(KpiEvent)[6]]
    notes.removed(action="retain", table="kpi_event", ids=ids, actor="cron", reason="old", details={"days": 90})
    KpiEvent.objects.filter(pk__in=ids).delete()
    assert findings() == []
    assert AuditEvent.objects.latest("pk").after == {"days": 90, "ranges": [[ids[0], ids[2]], [ids[3], ids[3]]]}
    KpiEvent.objects.filter(pk=ids_of(KpiEvent)[0]).delete()
    assert len(findings()) == 1


@pytest.mark.postgresql
def test_a_restored_database_begins_a_chain_that_names_the_old_head(
    sealed: list[Seal], monkeypatch: pytest.MonkeyPatch
) -> None:
    late = EventFactory(kind="DENY")
    monkeypatch.setattr(sealing, "_cluster", lambda: "another")
    seal_everything()
    first = Seal.objects.get(chain=2, number=1)
    assert first.previous == sealed[-1].hash
    assert findings() == []
    EventFactory(kind="DENY")
    seal_everything()
    assert findings() == []
    with lifted():
        raw(RiskEvent).filter(pk=late.pk).update(amount=77)
    assert findings()[0].startswith(f"risk_event row {late.pk} was edited")


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
    assert findings() == []
