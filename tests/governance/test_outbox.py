from __future__ import annotations

import datetime as dt

import pytest
from django.conf import LazySettings
from django.db import transaction

from governance import approvals, clock, outbox, register
from governance.happenings import Notice
from governance.jobs import running
from governance.register import Job
from tests.access.factories import UserFactory
from tests.approvers import approver
from tests.governance.door import approve, proposed
from tests.governance.toys import toy_lever
from tests.notices.factories import told


@pytest.mark.django_db
class TestTelling:
    def test_a_notice_holds_what_happened(self) -> None:
        with clock.at(dt.datetime(2026, 6, 1, 12, tzinfo=dt.UTC)):
            outbox.tell("toy.turned", engine="WHOLESALE", low=3)
        notice = Notice.objects.get()
        assert (notice.kind, notice.engine, notice.data, notice.routed_at) == (
            "toy.turned",
            "WHOLESALE",
            {"low": 3},
            None,
        )
        assert notice.at == dt.datetime(2026, 6, 1, 12, tzinfo=dt.UTC)

    def test_of_several_that_are_told_once_the_first_is(self) -> None:
        for low in (1, 2):
            outbox.tell("toy.turned", once="today", low=low)
        outbox.tell("toy.turned", low=3)
        outbox.tell("toy.turned", low=4)
        assert [notice.data["low"] for notice in Notice.objects.order_by("pk")] == [1, 3, 4]

    def test_every_kind_has_a_name_of_its_own_and_says_each_field(self) -> None:
        every = [*outbox.OWN, *(kind for lever in register.levers() for kind in lever.tells)]
        assert len({kind.name for kind in every}) == len(every)
        assert all(kind.title and kind.fields and all(kind.fields.values()) for kind in every)


@pytest.mark.django_db(transaction=True)
class TestOneTransaction:
    def test_nothing_is_told_outside_of_one(self) -> None:
        with pytest.raises(RuntimeError, match=r"toy\.turned must be told in the transaction in which it happens"):
            outbox.tell("toy.turned")

    def test_what_did_not_happen_is_not_told(self) -> None:
        with transaction.atomic():
            outbox.tell("toy.turned")
            transaction.set_rollback(True)
        assert told() == []


@pytest.mark.django_db
class TestWhatTheKernelTells:
    def test_a_change_that_waits_without_what_it_sets(self, settings: LazySettings) -> None:
        settings.FOUR_EYES = True
        with toy_lever():
            change = proposed({"low": 9})
        notice = Notice.objects.get()
        assert (notice.kind, notice.data["change"], notice.data["requested_by"]) == ("change.pending", change.pk, "jo")
        assert set(notice.data) == set(outbox.kinds()["change.pending"].fields)
        assert "9" not in str({**notice.data, "change": 0, "expires_at": ""})

    def test_an_approval_is_not_told(self, settings: LazySettings) -> None:
        settings.FOUR_EYES = True
        with toy_lever():
            approve(proposed({"low": 9}))
        assert told() == [("change.pending", "")]

    def test_a_broken_glass(self, settings: LazySettings) -> None:
        settings.FOUR_EYES = True
        with toy_lever():
            change = proposed({"low": 9})
            UserFactory.create(username="boss", is_superuser=True)
            approvals.break_glass(change_id=change.pk, actor="boss", reason="fire")
        notice = Notice.objects.get(kind="glass.broken")
        assert (notice.data["actor"], notice.data["reason"]) == ("boss", "fire")
        assert set(notice.data) == set(outbox.kinds()["glass.broken"].fields)

    def test_a_glass_that_did_not_break_is_not_told(self, settings: LazySettings) -> None:
        settings.FOUR_EYES = True
        with toy_lever():
            change = proposed({"low": 9})
            approver("pat")
            approvals.break_glass(change_id=change.pk, actor="pat", reason="fire")
        assert told() == [("change.pending", "")]

    def test_a_job_that_fails_is_told_the_first_and_the_tenth_time_in_a_row_without_its_words(self) -> None:
        def breaks() -> str:
            raise ValueError("postgresql://ops:hunter2@db")

        for _ in range(11):
            running.run(Job("work", dt.timedelta(minutes=1), breaks), if_due=False)
        assert [notice.data for notice in Notice.objects.order_by("pk")] == [
            {"job": "work", "failures": failures, "error": "ValueError"} for failures in (1, 10)
        ]

    @pytest.mark.parametrize(
        ("failures", "is_told"), [(1, True), (2, False), (9, False), (10, True), (11, False), (100, True), (110, False)]
    )
    def test_powers_of_ten_are_told(self, failures: int, is_told: bool) -> None:
        assert running.is_told(failures) is is_told
