"""The partitions of docs/scaling.md: the product goes on over them, and retention empties one that then leaves."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction

from governance import appendonly, clock
from regression import retention, services
from regression.models import KpiEvent
from tests.regression.factories import METRIC, PAIR, EventFactory, PolicyFactory, rearm, record
from valhalla.env import BASE_DIR

PAGE = (BASE_DIR / "docs" / "scaling.md").read_text()
PARTITION, LEAVE = re.findall(r"^```sql\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
BOUND = 1_000_001


def run(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)


def partitions() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT tableoid::regclass::text FROM kpi_event ORDER BY 1")
        return [name for (name,) in cursor.fetchall()]


@pytest.mark.postgresql
@pytest.mark.django_db  # what the page does to the tables is undone with the test's transaction
def test_events_are_recorded_evaluated_kept_and_removed_over_partitions() -> None:
    # Numbers outlive the tests that drew them, and the page's first partition ends at a million.
    run("SELECT setval(pg_get_serial_sequence('kpi_event', 'id'), 1, false)")
    PolicyFactory()
    long_ago = clock.now() - dt.timedelta(days=100)
    EventFactory.create_batch(20, at=long_ago)
    call_command("seal_audit", verbosity=0)

    run(PARTITION)
    appendonly.keep("default")  # what migrate ends with
    assert appendonly.missing() == []
    assert partitions() == ["kpi_event_1"]
    earlier = KpiEvent.objects.latest("pk").pk

    record("SSSSSSSSSSSS")
    assert KpiEvent.objects.latest("pk").pk == earlier + 12
    run(f"SELECT setval('kpi_event_ids', {BOUND}, false)")
    record("FFFF")
    assert partitions() == ["kpi_event_1", "kpi_event_2"]
    state = services.evaluate(domain=PAIR["domain"], metric=METRIC, actor="x")
    assert state is not None
    assert (state.triggered, state.current_count, state.baseline_count) == (True, 4, 8)

    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        run("UPDATE kpi_event SET actor = 'x'")

    removed = list(retention.remove(actor="cron"))
    assert removed == [{"OFFERS/signed": 20}]
    call_command("seal_audit", verbosity=0)
    with clock.at(clock.now() + dt.timedelta(days=200)):
        rearm()
        record("S" * 20)
        list(retention.remove(actor="cron"))
    assert partitions() == ["kpi_event_2"]
    run(LEAVE)
    assert KpiEvent.objects.count() >= 12
    call_command("verify_audit", verbosity=0)
