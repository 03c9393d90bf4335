"""The database's function against the law in Python: the same programs give the same answers, figures and rows.

``VALHALLA_DIFFERENTIAL_EXAMPLES=2000 pytest --database=postgresql tests/riskguard/test_backends.py`` compares more.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import os
from collections import Counter
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import override_settings
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

import golive.services as switches
from governance import clock, epoch, holds, origin
from governance.errors import Conflict, Invalid
from governance.models import Epoch, Hold
from riskguard import backends, policies, services
from riskguard.decisions import Order, Ruling
from riskguard.models import RiskEvent, RiskLedgerDay, RiskPolicy, RiskReservation
from riskguard.rules import CAPS, GLOBAL
from riskguard.serializers import RulingSerializer
from tests.riskguard.factories import DAY, HOUR, NOON, SECOND

pytestmark = [pytest.mark.postgresql, pytest.mark.usefixtures("live")]
EXAMPLES = int(os.environ.get("VALHALLA_DIFFERENTIAL_EXAMPLES", "10"))
EVERY_KIND = {
    "reserve", "ask", "close", "expire", "caps", "enabled", "override", "end", "drop", "switch", "hold", "enforce",
    "lift", "wait", "granted", "refused",
}  # fmt: skip
COMPARED = (RiskPolicy, RiskLedgerDay, RiskReservation, RiskEvent, Hold, Epoch)
ENGINES = ("WHOLESALE", "CAPITAL", "NEW")

money = st.sampled_from([None, None, 0, 300, 1_000, 2_500])
actions = st.sampled_from([None, None, None, 0, 2, 6])
caps = st.fixed_dictionaries({}, optional={cap: actions if "actions" in cap else money for cap in CAPS})
orders = st.builds(
    dict,
    engine=st.sampled_from([*ENGINES, "WHOLESALE", "UNKNOWN"]),
    amount=st.one_of(st.integers(1, 90), st.sampled_from([250, 300, 1_000, 10**15])),
    actor=st.sampled_from(["bot", "amy"]),
    idempotency_key=st.sampled_from([None, None, "k", "l", "m"]),
    correlation_id=st.sampled_from(["", "", "deal-7"]),
    epoch=st.sampled_from([None, None, None, 0, 0, -1]),
)
batches = st.lists(orders, min_size=1, max_size=5)
steps = st.one_of(
    st.tuples(st.just("reserve"), batches),
    st.tuples(st.just("reserve"), batches),
    st.tuples(st.just("reserve"), batches),
    st.tuples(st.just("close"), st.tuples(st.integers(0, 9), st.sampled_from([None, 0, 40, 900]))),
    st.tuples(st.just("expire"), st.none()),
    st.tuples(st.just("caps"), st.tuples(st.sampled_from([GLOBAL, *ENGINES]), caps)),
    st.tuples(st.just("enabled"), st.tuples(st.sampled_from([GLOBAL, *ENGINES]), st.booleans())),
    st.tuples(st.just("override"), st.tuples(st.sampled_from([GLOBAL, *ENGINES]), caps)),
    st.tuples(st.just("ask"), batches),
    st.tuples(st.just("end"), st.none()),
    st.tuples(st.just("drop"), st.sampled_from([GLOBAL, "CAPITAL"])),
    st.tuples(st.just("switch"), st.sampled_from(["kill", "release", "disable", "enable"])),
    st.tuples(st.just("hold"), st.tuples(st.sampled_from(["*", *ENGINES]), st.sampled_from([5, 22, 25, 30, 40]))),
    st.tuples(st.just("enforce"), st.booleans()),
    st.tuples(st.just("lift"), st.sampled_from(["*", *ENGINES])),
    st.tuples(st.just("wait"), st.sampled_from([SECOND, 30 * SECOND, 60 * SECOND, HOUR, 13 * HOUR, DAY, -DAY])),
)
# Room for several grants first, or most programs would only ever be refused.
programs = st.lists(steps, min_size=3, max_size=14)


@dataclasses.dataclass
class Run:
    """A program, run by one backend; what it answered and what it left."""

    now: dt.datetime = NOON
    enforced: bool = True
    answers: list[Any] = dataclasses.field(default_factory=list)

    def step(self, what: str, how: Any) -> None:
        lifetime = 3 * 3_600
        with (
            clock.at(self.now),
            override_settings(GOVERNANCE_ENFORCED=self.enforced, VALHALLA_RESERVATION_TTL_SECONDS=lifetime),
        ):
            getattr(self, f"_{what}")(how)

    def _reserve(self, asked: list[dict[str, Any]]) -> None:
        current = epoch.current()
        made = [
            Order(**{**one, "epoch": one["epoch"] if one["epoch"] is None else current + one["epoch"]}) for one in asked
        ]
        self.answers += [_told(ruling) for ruling in backends.decide(made)]

    def _close(self, how: tuple[int, int | None]) -> None:
        which, loss = how
        pks = list(RiskReservation.objects.order_by("pk").values_list("pk", flat=True))
        if not pks:
            return
        pk = pks[which % len(pks)]
        try:
            if loss is None:
                services.release(reservation_id=pk, actor="bot")
            else:
                services.settle(reservation_id=pk, realized_loss=loss, actor="bot")
        except Conflict as conflict:
            self.answers.append(conflict.code)

    def _expire(self, _how: None) -> None:
        services.expire_some()

    def _caps(self, how: tuple[str, dict[str, int | None]]) -> None:
        services.set_policy(engine=how[0], patch=how[1], actor="ops", reason="caps")

    def _override(self, how: tuple[str, dict[str, int | None]]) -> None:
        """Loosen what of it can be loosened, for an hour."""
        engine, patch = how
        try:
            services.set_policy(
                engine=engine, patch={**patch, "enabled": True, "until": self.now + HOUR}, actor="ops", reason="fair"
            )
        except Invalid as nothing:
            self.answers.append(str(nothing))

    def _ask(self, asked: list[dict[str, Any]]) -> None:
        """Ask as engines do: who meets an override that has ended ends it, and is decided anew."""
        made = [Order(**{**one, "epoch": None}) for one in asked]
        self.answers += [_told(ruling) for ruling in services.reserve_many(orders=made)]

    def _end(self, _how: None) -> None:
        self.answers.append(policies.end_overrides())

    def _enabled(self, how: tuple[str, bool]) -> None:
        services.set_policy(engine=how[0], patch={"enabled": how[1]}, actor="ops", reason=f"{how}")

    def _drop(self, engine: str) -> None:
        RiskPolicy.objects.filter(engine=engine).delete()

    def _switch(self, how: str) -> None:
        if how == "kill":
            switches.engage_kill_switch(actor="ops", reason="stop")
        elif how == "release":
            switches.release_kill_switch(actor="ops", reason="go")
        elif how == "disable":
            switches.disable(actor="ops", reason="stop")
        else:
            switches.enable(actor="ops", reason="go", override=True)

    def _enforce(self, how: bool) -> None:
        self.enforced = how

    def _hold(self, how: tuple[str, int]) -> None:
        until = self.now + HOUR if how[1] == 40 else None
        holds.place(scope=how[0], source="x", code=f"code_{how[1]}", reason="no", rank=how[1], key="x", until=until)

    def _lift(self, scope: str) -> None:
        for hold in Hold.objects.filter(scope=scope, source="x"):
            holds.lift(scope=scope, source="x", code=hold.code, key="x")

    def _wait(self, how: dt.timedelta) -> None:
        self.now += how


def _told(ruling: Ruling) -> tuple[Any, ...]:
    """Return everything that a ruling says."""
    held, denial = ruling.reservation, ruling.denial
    row = None if held is None else [getattr(held, field.attname) for field in RiskReservation._meta.concrete_fields]
    line = None if ruling.ledger is None else (ruling.ledger.day, ruling.ledger.engine, ruling.ledger.left())
    return RulingSerializer(ruling).data, row, None if denial is None else dataclasses.astuple(denial), line


def _rows() -> dict[str, list[tuple[Any, ...]]]:
    rows = {}
    for model in COMPARED:
        # Two rows of a ledger that one statement opens are numbered in any order.
        fields = [
            field.attname for field in model._meta.concrete_fields if (model, field.name) != (RiskLedgerDay, "id")
        ]
        order = ("day", "engine") if model is RiskLedgerDay else ("pk",)
        rows[model._meta.db_table] = list(model._default_manager.order_by(*order).values_list(*fields))
    return rows


def _run(program: list[tuple[str, Any]]) -> tuple[Any, ...]:
    """Run ``program`` from the same start as every other, and take everything back."""
    run = Run()
    with connection.cursor() as cursor:
        for table in ("risk_reservation", "risk_event", "risk_policy", "hold"):
            cursor.execute("SELECT setval(pg_get_serial_sequence(%s, 'id'), 1000000)", [table])
    # As a test's own transaction, so that the durable services run in it.
    block = transaction.atomic()
    block._from_testcase = True  # type: ignore[attr-defined]
    with block, origin.of(request_id="trace-0123"):
        for what, how in program:
            run.step(what, how)
        left = _rows()
        transaction.set_rollback(True)
    return run.answers, left


def test_both_backends_give_the_same_answers_figures_and_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: Counter[str] = Counter()

    @seed(20)
    @settings(
        max_examples=EXAMPLES, database=None, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True
    )
    @given(program=programs)
    def compare(program: list[tuple[str, Any]]) -> None:
        taken.update(what for what, _how in program)
        program = [("caps", (engine, dict.fromkeys(CAPS))) for engine in (GLOBAL, "WHOLESALE", "CAPITAL")] + program
        by_function = _run(program)
        with monkeypatch.context() as patch:
            patch.setitem(backends.BACKENDS, "postgresql", backends.BACKENDS["sqlite"])
            by_law = _run(program)
        assert by_function == by_law
        rulings = [answer[0]["ok"] for answer in by_function[0] if isinstance(answer, tuple)]
        taken.update("granted" if ok else "refused" for ok in rulings)

    compare()
    assert set(taken) == EVERY_KIND


@pytest.mark.parametrize("step", ["reserve", "ask"])
def test_an_override_that_ended_counts_as_ended_by_both_backends(step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = [
        {"engine": "WHOLESALE", "amount": amount, "actor": "bot", "idempotency_key": None, "correlation_id": "",
         "epoch": None}
        for amount in (900, 100)
    ]  # fmt: skip
    program = [
        ("caps", (GLOBAL, dict.fromkeys(CAPS))),
        ("caps", ("WHOLESALE", {**dict.fromkeys(CAPS), "max_daily_exposure": 300})),
        ("enabled", (GLOBAL, True)),
        ("enabled", ("WHOLESALE", True)),
        ("override", ("WHOLESALE", {"max_daily_exposure": 2_500})),
        ("reserve", asked[1:]),
        ("wait", HOUR),
        (step, asked),
    ]
    answers, left = _run(program)
    with monkeypatch.context() as patch:
        patch.setitem(backends.BACKENDS, "postgresql", backends.BACKENDS["sqlite"])
        assert _run(program) == (answers, left)
    told = [answer[0]["reason"] for answer in answers]
    expected = {"reserve": ["override_ended"] * 2, "ask": ["would_exceed_policy", "reserved"]}
    assert told == ["reserved", *expected[step]]
