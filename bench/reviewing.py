"""(f) The review of a week, with few and with many events in it and in the week before: its data, and its page."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from bench import history
from bench.report import Part, Target
from bench.rounds import Figures, interleaved
from bench.stage import Stage
from bench.timing import timed

SIZES = (10**4, 10**6)
TABLES = ("risk_event", "heimdall_event", "heimdall_recommendation", "kpi_event")


def measure(stage: Stage) -> Part:
    """Read the review of databases that hold so many events of each kind."""
    for size in SIZES:
        stage.copy(_name(size))
        with stage.on(_name(size)):
            for table in TABLES:
                history.fill(table, size)
            history.explain_recommendations()
    shown: dict[str, Callable[[], Callable[[], Any]]] = {"data": _data, "page": _page}
    measured = interleaved(
        {
            f"{what} {size}": partial(_reviewed, stage, _name(size), look)
            for what, look in shown.items()
            for size in SIZES
        }
    )
    few, many = SIZES
    rows = [
        [what, f"{size:,}", f"{measured.median(f'{what} {size}', 'milliseconds'):.1f}"]
        for what in shown
        for size in SIZES
    ]
    targets = [
        Target(
            f"the review's {what} at {many:,} events to its time at {few:,}",
            measured.ratio(f"{what} {many}", f"{what} {few}", "milliseconds"),
            2,
            most=True,
        )
        for what in shown
    ]
    return Part("(f) The review", ["what", "events of each kind", "ms"], rows, targets)


def _reviewed(stage: Stage, name: str, look: Callable[[], Callable[[], Any]]) -> Figures:
    with stage.on(name):
        return timed(look())


def _data() -> Callable[[], Any]:
    from governance import review  # noqa: PLC0415 -- Django must be set up first

    return lambda: review.control_plane(review.last_week())


def _page() -> Callable[[], Any]:
    from django.contrib.auth.models import User  # noqa: PLC0415 -- as above
    from django.test import Client  # noqa: PLC0415

    client = Client(SERVER_NAME="127.0.0.1")
    client.force_login(
        User.objects.get_or_create(username="reader", defaults={"is_superuser": True, "is_staff": True})[0]
    )

    def look() -> None:
        assert client.get("/admin/review/").status_code == 200

    return look


def _name(size: int) -> str:
    return f"reviewed_{size}"
