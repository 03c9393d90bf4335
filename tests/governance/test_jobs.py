from __future__ import annotations

import contextlib
import datetime as dt
import io
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from django.conf import LazySettings
from django.core.management import CommandError, call_command

from governance import clock, register, review
from governance.jobs import kernel, running
from governance.jobs.alone import alone
from governance.models import AuditEvent, JobRun
from governance.register import Job, Lever
from governance.sections import Period, Section
from regression.models import KpiEvent
from riskguard import services as riskguard
from riskguard.models import RiskReservation
from tests import forking
from tests.regression.factories import EventFactory, tripped
from tests.riskguard.factories import go_live
from tests.riskguard.racing import Caller
from tests.server import seeded_database

NOON = dt.datetime(2026, 6, 1, 12, tzinfo=dt.UTC)
MINUTE = dt.timedelta(minutes=1)


@contextlib.contextmanager
def announced(*jobs: Job) -> Iterator[None]:
    """Announce a lever that brings ``jobs``, inside the block."""
    register.announce(Lever(name="jobber", title="Jobber", checks=list, review=_no_section, actions=[], jobs=jobs))
    try:
        yield
    finally:
        register.withdraw("jobber")


def _no_section(_period: Period) -> Section:
    return Section("jobber", "Jobber", {}, [])


def _job(run: Callable[[], str] = lambda: "Something was done.", every: dt.timedelta = MINUTE) -> Job:
    return Job("work", every, run)


def _breaks() -> str:
    raise ValueError("no paper in the tray")


def _run(job: Job, at: dt.datetime = NOON, *, if_due: bool = True) -> JobRun | None:
    with clock.at(at):
        return running.run(job, if_due=if_due)


@pytest.mark.django_db
class TestOneRun:
    def test_is_recorded_with_what_it_did(self) -> None:
        _run(_job())
        ran = JobRun.objects.get()
        assert (ran.name, ran.outcome, ran.detail, ran.failures) == ("work", "DONE", "Something was done.", 0)
        assert (ran.started_at, ran.ended_at, ran.took) == (NOON, NOON, dt.timedelta())

    def test_that_is_under_way_has_no_end(self) -> None:
        seen = []
        _run(_job(lambda: seen.append(JobRun.objects.get()) or ""))
        assert (seen[0].outcome, seen[0].ended_at, seen[0].took) == ("RUNNING", None, None)

    def test_that_fails_is_recorded_with_its_error_and_counted(self, caplog: pytest.LogCaptureFixture) -> None:
        _run(_job(_breaks))
        ran = _run(_job(_breaks), NOON + MINUTE)
        assert ran is not None
        assert (ran.outcome, ran.detail, ran.failures) == ("FAILED", "ValueError: no paper in the tray", 2)
        assert "The job work failed" in caplog.text

    def test_that_succeeds_ends_the_count_of_failures(self) -> None:
        _run(_job(_breaks))
        ran = _run(_job(), NOON + MINUTE)
        assert ran is not None
        assert ran.failures == 0

    @pytest.mark.parametrize(("seconds", "again"), [(53, False), (54, True), (60, True)])
    def test_comes_once_a_period_and_no_more_than_a_tenth_early(self, seconds: int, again: bool) -> None:
        _run(_job())
        assert (_run(_job(), NOON + dt.timedelta(seconds=seconds)) is not None) is again

    def test_comes_at_once_where_it_is_asked_for(self) -> None:
        _run(_job())
        assert _run(_job(), if_due=False) is not None

    def test_is_left_to_who_is_at_it(self) -> None:
        caught = []
        _run(_job(lambda: caught.append(Caller(lambda: _run(_job(), if_due=False)).told()) or ""))
        assert caught == [None]

    def test_is_told_from_where_it_wrote(self, settings: LazySettings) -> None:
        settings.RETENTION_ENABLED = True
        EventFactory(at=NOON - dt.timedelta(days=91))
        _run(kernel.named("retain"))
        assert AuditEvent.objects.get().via == "scheduler"


@pytest.mark.django_db
class TestTheJobs:
    def test_each_has_a_name_of_its_own(self) -> None:
        names = [job.name for job in kernel.every()]
        assert {"seal", "retain", "expire", "evaluate"} <= set(names)
        assert len(names) == len(set(names))

    def test_the_period_of_retention_is_the_setting(self, settings: LazySettings) -> None:
        settings.RETENTION_CRON_MINUTES = 7
        assert kernel.named("retain").every == 7 * MINUTE

    def test_retain_removes_what_is_old(self, settings: LazySettings) -> None:
        settings.RETENTION_ENABLED = True
        EventFactory(at=NOON - dt.timedelta(days=91))
        EventFactory(at=NOON)
        with clock.at(NOON):
            assert kernel.named("retain").run() == "1 row(s) removed."
        assert KpiEvent.objects.count() == 1

    def test_retain_removes_nothing_where_it_is_off(self) -> None:
        EventFactory(at=NOON - dt.timedelta(days=91))
        with clock.at(NOON):
            assert kernel.named("retain").run() == "RETENTION_ENABLED is 0: nothing is removed."
        assert KpiEvent.objects.count() == 1

    def test_expire_expires_what_is_overdue(self) -> None:
        with clock.at(NOON):
            go_live()
            riskguard.reserve(engine="WHOLESALE", amount=100, actor="bot")
        with clock.at(NOON + dt.timedelta(days=2)):
            assert kernel.named("expire").run() == "1 reservation(s) expired."
        assert RiskReservation.objects.get().status == "EXPIRED"

    def test_evaluate_says_what_is_triggered(self) -> None:
        assert kernel.named("evaluate").run() == "0 tripwire(s) evaluated. Triggered: none."
        tripped()
        assert kernel.named("evaluate").run() == "1 tripwire(s) evaluated. Triggered: OFFERS/signed."

    def test_seal_says_how_much_it_sealed(self) -> None:
        assert kernel.named("seal").run().endswith("row(s) sealed.")


@pytest.mark.django_db
class TestTheReview:
    def _told(self, at: dt.datetime = NOON) -> tuple[list[str], dict[str, object]]:
        with clock.at(at):
            (own, *_levers) = review.sections(review.last_week())
        jobs = {row["name"]: row for row in own.data["jobs"]}
        return list(own.alarms), jobs["work"]

    def test_shows_a_job_that_was_never_run(self) -> None:
        with announced(_job()):
            alarms, told = self._told()
        assert (alarms, told["outcome"], told["every_seconds"]) == ([], None, 60)

    def test_shows_how_the_last_run_went(self) -> None:
        with announced(_job()):
            _run(_job())
            alarms, told = self._told()
        assert (alarms, told["outcome"], told["detail"]) == ([], "DONE", "Something was done.")

    def test_a_failed_job_is_an_alarm(self) -> None:
        with announced(_job()):
            _run(_job(_breaks))
            assert self._told()[0] == ["The job work failed 1 time(s) in a row: ValueError: no paper in the tray"]

    @pytest.mark.parametrize(("periods", "alarms"), [(5, 1), (4.9, 0)])
    def test_a_job_that_has_fallen_silent_is_an_alarm(self, periods: float, alarms: int) -> None:
        with announced(_job()):
            _run(_job())
            assert len(self._told(NOON + periods * MINUTE)[0]) == alarms


@pytest.mark.django_db
class TestRunJob:
    def _command(self, *arguments: str) -> str:
        out = io.StringIO()
        call_command("run_job", *arguments, stdout=out)
        return out.getvalue()

    def test_runs_one_and_says_how_it_went(self) -> None:
        with announced(_job()):
            assert self._command("work") == "work: Something was done.\n"

    def test_lists_them_without_a_name(self) -> None:
        assert "retain       every 0:30:00" in self._command()

    def test_a_failure_is_told_by_the_exit_status(self) -> None:
        with announced(_job(_breaks)), pytest.raises(CommandError, match="work failed: ValueError: no paper") as raised:
            self._command("work")
        assert raised.value.returncode == 1

    def test_an_unknown_name_is_told_with_those_there_are(self) -> None:
        with pytest.raises(CommandError, match=r"no job called 'dance'; there are .*evaluate"):
            self._command("dance")

    def test_says_that_it_runs_elsewhere(self) -> None:
        with announced(_job(lambda: Caller(lambda: self._command("work")).told())):
            assert self._command("work") == "work: work is running elsewhere.\n"


@pytest.mark.django_db(transaction=True)
class TestManySchedulers:
    def test_of_many_at_once_one_runs_a_job(self) -> None:
        runs: list[int] = []
        job = _job(lambda: runs.append(1) or "")
        barrier = threading.Barrier(4)
        answers = [caller.told() for caller in [Caller(lambda: _run(job), barrier) for _ in range(4)]]
        assert len(runs) == 1
        assert sum(ran is not None for ran in answers) == 1

    def test_a_lock_ends_with_its_holder(self) -> None:
        with alone("work") as mine:
            assert mine
            assert Caller(_lock).told() is False
        assert Caller(_lock).told() is True
        assert _lock() is True

    def test_locks_of_other_names_do_not_wait_for_one_another(self) -> None:
        with alone("another"):
            assert Caller(_lock).told() is True


def _lock() -> bool:
    with alone("work") as mine:
        return mine


@pytest.mark.django_db(transaction=True)
def test_the_scheduler_runs_every_job_in_spite_of_one_that_fails_and_ends_at_a_signal() -> None:
    """Its jobs run in threads of their own, and the signal comes from one of them."""

    def end() -> str:
        while JobRun.objects.exclude(ended_at=None).count() < len(kernel.every()) - 1:
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGTERM)
        return "ended"

    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]
    try:
        with announced(Job("breaks", MINUTE, _breaks), Job("end", MINUTE, end)):
            call_command("run_scheduler")
    finally:
        for number, handler in zip((signal.SIGTERM, signal.SIGINT), before, strict=True):
            signal.signal(number, handler)
        signal.set_wakeup_fd(-1)
    outcomes = dict(JobRun.objects.values_list("name", "outcome"))
    assert outcomes.pop("breaks") == "FAILED"
    assert set(outcomes) == {"seal", "retain", "expire", "end_overrides", "evaluate", "deliver", "heartbeat", "end"}
    assert set(outcomes.values()) == {"DONE"}


def test_two_schedulers_run_each_job_once_and_end_cleanly() -> None:
    read, write = os.pipe()
    environment = {**os.environ, "DATABASE_URL": seeded_database()}
    schedulers = [forking.start(["manage.py", "run_scheduler"], environment, 0, 1, write) for _ in range(2)]
    os.close(write)
    with os.fdopen(read) as log:
        lines: list[str] = []
        while sum("Scheduling" in line for line in lines) < 2 or sum(" done in " in line for line in lines) < 7:
            lines.append(next(log))
        for scheduler in schedulers:
            scheduler.terminate()
        lines += log
    assert [scheduler.wait() for scheduler in schedulers] == [0, 0]
    ran = [line.split(" done in ")[0].split()[-1].strip('"') for line in lines if " done in " in line]
    assert sorted(ran) == ["deliver", "end_overrides", "evaluate", "expire", "heartbeat", "retain", "seal"]
    assert sum("The scheduler has ended" in line for line in lines) == 2
