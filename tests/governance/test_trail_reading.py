"""The trail as it is read: page by page, over the API, and by its commands."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from governance import audit, clock
from governance.trail import reading, sealing
from riskguard.models import RiskEvent
from tests.append_only import lifted, raw
from tests.databases import vendor
from tests.heimdall.factories import EventFactory as HeimdallEventFactory
from tests.regression.factories import EventFactory as KpiEventFactory
from tests.riskguard.factories import EventFactory

NOON = dt.datetime(2026, 11, 24, 12, tzinfo=dt.UTC)
Capture = pytest.CaptureFixture[str]

# On PostgreSQL the sealer goes by transactions, so each row is committed by itself.
pytestmark = pytest.mark.django_db(transaction=vendor() == "postgresql")


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
