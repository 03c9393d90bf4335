"""The quarantine's line of the checklist, its part of the review, the control plane and the metrics."""

from __future__ import annotations

from governance.metrics import Gauge
from governance.models import Hold
from governance.register import Alarm, Check, Panel
from governance.sections import Period, Section, Table
from tests.fifth_lever.services import SOURCE


def wards() -> list[str]:
    return list(Hold.objects.filter(source=SOURCE).order_by("scope").values_list("scope", flat=True))


def checks() -> list[Check]:
    return [Check("no_ward_is_full", len(wards()) < 2, "At most one engine is in quarantine.")]


def section(_period: Period) -> Section:
    tables = [Table("In quarantine", ["Engine"], [[engine] for engine in wards()], "Nobody is ill.")]
    return Section("quarantine", "Quarantine", {"engines": wards()}, tables, [f"{one} is ill" for one in wards()])


def gauges() -> list[Gauge]:
    return [Gauge("valhalla_quarantined", "The engine is in quarantine.", [({"engine": one}, 1) for one in wards()])]


def panel() -> Panel:
    return Panel("quarantine/panel.html", {"engines": wards()}, [Alarm(f"{one} is ill") for one in wards()])
