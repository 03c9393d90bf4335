"""One small demo is played for all tests of this module, in a transaction that ends with it."""

from __future__ import annotations

import contextlib
import datetime as dt
import io
import itertools
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.management import CommandError, call_command
from django.db import transaction
from pytest_django import DjangoDbBlocker

from examples.demo import history
from golive import services as golive
from golive.models import GoLiveState
from governance import clock, register, seeds
from governance.models import AuditEvent, ChangeRequest
from heimdall import services as heimdall
from heimdall.models import HeimdallEvent, HeimdallPolicy
from regression import services as regression
from regression.models import KpiEvent, RegressionIncident, RegressionPolicy, RegressionState
from riskguard import services as riskguard
from riskguard import verification
from riskguard.models import RiskEvent, RiskPolicy, RiskReservation

pytestmark = pytest.mark.xdist_group("demo")  # the tests share what was played
NOW = dt.datetime(2026, 6, 19, 18, tzinfo=dt.UTC)
Kind = RiskEvent.Kind


@contextlib.contextmanager
def _undone(blocker: DjangoDbBlocker) -> Iterator[None]:
    """Let a block use the database in a transaction that is rolled back and that services take for no transaction."""
    with blocker.unblock(), contextlib.ExitStack() as stack:
        block = transaction.atomic()
        block._from_testcase = True  # type: ignore[attr-defined]  # as Django's own TestCase marks its blocks
        stack.enter_context(block)
        stack.callback(transaction.set_rollback, True)
        _seeded()
        yield


def _seeded() -> None:
    """Put the seeds there, with windows that few events fill, and a charter that few trials earn."""
    seeds.restore(actor="test", reset=True)
    windows = {"window_events": 10, "baseline_events": 40, "min_events_to_enforce": 10}
    for metric in ("contract_rate", "offer_accept_rate"):
        regression.set_policy(domain="WHOLESALE", metric=metric, patch=windows, actor="test")
    easy = {"min_sandbox_trials": 0, "min_sandbox_success_rate": 0}
    heimdall.set_policy(domain="BUYER_MATCH", patch=easy, actor="test")


def _play(*arguments: str, now: dt.datetime = NOW) -> str:
    out = io.StringIO()
    with clock.at(now):
        call_command("seed_demo", *arguments, stdout=out)
    return out.getvalue()


def _controls() -> dict[str, Any]:
    rows = [*RiskPolicy.objects.all(), *HeimdallPolicy.objects.all(), *RegressionPolicy.objects.all()]
    return {f"{row._meta.label} {row}": row.snapshot() for row in rows} | {"switches": _switches()}


def _switches() -> dict[str, Any]:
    return GoLiveState.objects.get().snapshot()


@pytest.fixture(scope="module")
def played(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[tuple[dict[str, Any], str]]:
    """Play it, and return how the controls stood before, and what the command printed."""
    with _undone(django_db_blocker):
        before = _controls()
        yield before, _play("--small")


def test_the_ledger_agrees_with_reservations_and_events(played: object) -> None:
    assert list(verification.differences()) == []


def test_reservations_end_in_every_way(played: object) -> None:
    assert set(RiskReservation.objects.values_list("status", flat=True)) >= {"SETTLED", "RELEASED", "EXPIRED"}
    assert set(RiskEvent.objects.values_list("kind", flat=True)) >= {"RESERVE", "SETTLE", "EXPIRE", "DENY"}


@pytest.mark.parametrize(
    "reason", ["would_exceed_policy", "loss_cap_reached", "policy_disabled", "policy_missing", "kill_switch_engaged"]
)
def test_reservations_are_refused_for_many_reasons(played: object, reason: str) -> None:
    assert RiskEvent.objects.filter(kind=Kind.DENY, reason=reason).exists()


def test_one_incident_was_dealt_with_and_one_waits(played: object) -> None:
    waits, dealt_with = RegressionIncident.objects.all()
    assert (dealt_with.metric, dealt_with.status, dealt_with.acknowledged_by) == (
        "contract_rate",
        "RESOLVED",
        "ida.demo",
    )
    assert (waits.metric, waits.status) == ("offer_accept_rate", "OPEN")
    assert RegressionState.objects.get(metric="offer_accept_rate").triggered
    assert not RegressionState.objects.get(metric="contract_rate").triggered


def test_heimdall_was_asked_and_has_answered(played: object) -> None:
    assert set(HeimdallEvent.objects.values_list("kind", flat=True)) >= {"TRIAL", "RECOMMEND", "DENY"}


def test_what_was_authorized_has_an_outcome(played: object) -> None:
    """All but what was authorized in the demo's last hour."""
    kinds = Counter(HeimdallEvent.objects.values_list("kind", flat=True))
    assert kinds["AUTHORIZE"] - 1 <= kinds["OUTCOME"] <= kinds["AUTHORIZE"]
    assert kinds["OUTCOME"] > 0


def test_no_control_is_left_looser_than_it_was(played: tuple[dict[str, Any], str]) -> None:
    before, _out = played
    after = _controls()
    assert {name for name in after if after[name] != before.get(name)} == {
        "riskguard.RiskPolicy WHOLESALE",
        "regression.RegressionPolicy WHOLESALE/contract_rate",
        "regression.RegressionPolicy WHOLESALE/offer_accept_rate",
    }
    assert not RiskPolicy.objects.get(engine="WHOLESALE").enabled
    assert not GoLiveState.objects.get().go_live_enabled


def test_says_what_it_made_and_what_waits(played: tuple[dict[str, Any], str]) -> None:
    _before, out = played
    assert "deals booked" in out
    assert "Production is disabled again, and every control is as it was" in out
    assert "WHOLESALE/offer_accept_rate OPEN. See manage.py control_plane_review." in out


def test_the_trails_are_in_order_of_time_and_end_by_now(played: object) -> None:
    for model in (RiskEvent, HeimdallEvent, KpiEvent):
        times = list(model.objects.order_by("pk").values_list("at", flat=True))  # type: ignore[attr-defined]
        assert times == sorted(times)
        assert NOW - dt.timedelta(weeks=1) <= times[0] <= times[-1] <= NOW


@pytest.mark.parametrize("name", ["golive", "riskguard", "heimdall", "regression"])
def test_each_of_the_four_levers_has_something_to_review(played: object, name: str) -> None:
    period = register.Period(NOW - dt.timedelta(weeks=1), NOW)
    lever = next(lever for lever in register.levers() if lever.name == name)
    assert any(table.rows for table in lever.review(period).tables)


def test_a_second_demo_is_refused_and_says_what_helps(played: object) -> None:
    with pytest.raises(CommandError, match=r"holds history, up to 2026-06-19 .* --force"):
        _play("--small", now=NOW + dt.timedelta(days=30))


def _steps(count: int, *, seed: int = 7, span: history.Span | None = None) -> Counter[str]:
    """Play no more than ``count`` steps, and then stop as an interruption does."""
    tally: Counter[str] = Counter()
    time = span or history.Span(NOW - dt.timedelta(weeks=1), NOW)
    with contextlib.closing(history.play(time, seed=seed, share=1, tally=tally)) as steps:
        for _at in itertools.islice(steps, count):
            pass
    return tally


def _trail() -> list[tuple[Any, ...]]:
    return list(RiskEvent.objects.order_by("pk").values_list("at", "kind", "engine", "amount", "reason"))


@pytest.mark.sqlite  # the draws are made in Python
def test_the_same_seed_plays_the_same_and_another_another(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker
) -> None:
    trails = []
    for seed in (7, 7, 8):
        with _undone(django_db_blocker):
            _steps(120, seed=seed)
            trails.append(_trail())
    assert len(trails[0]) > 20
    assert trails[0] == trails[1] != trails[2]


@pytest.fixture
def seeded(db: None) -> None:
    _seeded()


@pytest.mark.sqlite  # plain rows are looked up; a whole demo is played on both databases above
@pytest.mark.usefixtures("seeded")
class TestBeforeItPlays:
    def test_an_interruption_leaves_production_disabled_and_the_charter_as_it_was(self) -> None:
        before = _controls()
        assert _steps(240)["changes by operators"] > 6
        after = _controls()
        assert not _switches()["go_live_enabled"]
        assert {name: after[name] for name in after if "Heimdall" in name} == {
            name: before[name] for name in before if "Heimdall" in name
        }

    def test_is_refused_where_what_loosens_waits_for_a_second_person_even_if_forced(
        self, settings: LazySettings
    ) -> None:
        settings.FOUR_EYES = True
        with pytest.raises(CommandError, match="FOUR_EYES is on"):
            _play("--force")
        assert not ChangeRequest.objects.exists()

    def test_forced_it_starts_on_the_day_after_the_history(self) -> None:
        with clock.at(NOW - dt.timedelta(days=10)):
            regression.record_kpi(domain="A", metric="b", success=True, actor="bot")
        with clock.at(NOW):
            span = history.span(4, force=True)
        assert (span.start, span.end) == (dt.datetime(2026, 6, 10, tzinfo=dt.UTC), NOW)

    def test_forced_it_is_refused_where_no_time_is_left_after_the_history(self) -> None:
        with clock.at(NOW - dt.timedelta(days=6)):
            riskguard.reserve(engine="NOBODY", amount=1, actor="bot")
        with pytest.raises(CommandError, match="less than 6 days ago"):
            _play("--force")

    def test_is_refused_while_production_is_enabled_even_if_forced(self) -> None:
        golive.enable(actor="jo", reason="test", override=True)
        with pytest.raises(CommandError, match="production is enabled"):
            _play("--force")
        assert _switches()["go_live_enabled"]

    def test_is_refused_while_the_kill_switch_is_engaged_even_if_forced(self) -> None:
        golive.engage_kill_switch(actor="jo", reason="test")
        with pytest.raises(CommandError, match="kill switch is engaged"):
            _play("--force")

    @pytest.mark.parametrize("engine", ["GLOBAL", "WHOLESALE", "CAPITAL"])
    def test_is_refused_where_it_would_enable_a_policy(self, engine: str) -> None:
        riskguard.throttle(engine=engine, actor="jo", reason="test")
        with pytest.raises(CommandError, match=f"the risk policy of {engine} is not enabled"):
            _play("--force")

    def test_is_refused_where_it_would_lift_a_cap(self) -> None:
        riskguard.set_policy(engine="CAPITAL", patch={"max_amount_per_action": 1}, actor="jo")
        with pytest.raises(CommandError, match="CAPITAL has a max_amount_per_action"):
            _play()

    def test_a_refused_one_leaves_no_trace(self) -> None:
        golive.enable(actor="jo", reason="test", override=True)
        rows = AuditEvent.objects.count()
        with pytest.raises(CommandError):
            _play()
        assert AuditEvent.objects.count() == rows
        assert not KpiEvent.objects.exists()
