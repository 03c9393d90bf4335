"""Evidence that is started anew, by people and by trips."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import LazySettings

from governance import changes
from governance.errors import Invalid, NotFound, Unapproved
from governance.models import AuditEvent
from heimdall import rules, services
from heimdall.models import HeimdallPolicy, HeimdallScorecardDay
from heimdall.rules import ANYTIME, POINT
from regression import services as regression
from riskguard import services as riskguard
from tests.governance.door import approve
from tests.heimdall.proving import DOMAIN, ENOUGH, authorized, proven, restarted, ruled, standing, tried, trip
from tests.regression import factories as kpis

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("live")]


class TestRestart:
    def test_no_trial_counts_and_no_admission_stands(self) -> None:
        ruled()
        proven()
        row = restarted()
        assert (row.start, row.trials, row.admitted, row.started_by, row.reason) == (2, 0, False, "jo", "A new model.")
        assert authorized().reason == "insufficient_sandbox_trials"
        assert HeimdallScorecardDay.objects.get(domain=DOMAIN).trials == ENOUGH

    def test_the_next_start_asks_for_more_evidence(self) -> None:
        ruled()
        tried("S")
        restarted()
        tried("S" * ENOUGH)
        assert not standing().admitted
        tried("S" * 10)
        assert standing().admitted

    def test_a_start_without_a_trial_has_spent_nothing(self) -> None:
        ruled()
        restarted()
        assert restarted().start == 1

    def test_it_is_in_the_trail_with_what_it_threw_away(self) -> None:
        ruled()
        proven()
        restarted()
        event = AuditEvent.objects.latest("pk")
        assert (event.action, event.target, event.actor) == ("heimdall.evidence.restart", DOMAIN, "jo")
        assert event.before == {"start": 1, "admitted": True, "trials": ENOUGH, "successes": ENOUGH}
        assert event.after == {"start": 2, "admitted": False, "trials": 0, "successes": 0}

    def test_needs_a_reason_and_a_policy(self) -> None:
        ruled()
        with pytest.raises(Invalid, match="reason"):
            restarted(" ")
        with pytest.raises(NotFound, match="no Heimdall policy for NOWHERE"):
            services.restart_evidence(domain="NOWHERE", actor="jo", reason="x")

    def test_with_four_eyes_it_waits_unless_it_takes_an_admission_away(self, settings: LazySettings) -> None:
        settings.FOUR_EYES = True
        ruled()
        tried("S")
        with pytest.raises(Unapproved):
            restarted()
        asked = {"action": rules.RESTART, "target": "pricing", "patch": {}, "actor": "jo", "reason": "New."}
        waits = changes.submit(**asked)
        assert isinstance(waits, changes.Pending)
        tried("S" * ENOUGH)  # trials move the counts, and make nothing stale
        assert isinstance(changes.submit(**asked), changes.Applied)
        assert (standing().start, standing().admitted) == (2, False)

    def test_approved_it_starts_anew(self, settings: LazySettings) -> None:
        settings.FOUR_EYES = True
        ruled()
        tried("SF")
        waits = changes.submit(action=rules.RESTART, target=DOMAIN, patch={}, actor="jo", reason="New.")
        assert isinstance(waits, changes.Pending)
        tried("S")
        assert isinstance(approve(waits.change, "sam"), changes.Applied)
        assert (standing().start, standing().trials) == (2, 0)

    @pytest.mark.parametrize(("stands", "asked"), [(POINT, ANYTIME), (ANYTIME, POINT)])
    def test_another_rule_waits_for_a_second_person_either_way(
        self, settings: LazySettings, stands: str, asked: str
    ) -> None:
        settings.FOUR_EYES = True
        ruled(evidence_rule=stands)
        patch = {"evidence_rule": asked, "min_sandbox_trials": 99}
        waits = changes.submit(action=rules.SET_POLICY, target=DOMAIN, patch=patch, actor="jo", reason="x")
        assert isinstance(waits, changes.Pending)
        row = HeimdallPolicy.objects.get(domain=DOMAIN)
        assert (row.evidence_rule, row.min_sandbox_trials) == (stands, 99)


class TestTrips:
    def test_a_trip_of_the_engine_takes_the_admission_and_the_evidence(self) -> None:
        ruled(engine="OFFERS")
        proven()
        trip("ANOTHER")
        assert standing().admitted
        trip("OFFERS")
        row = standing()
        assert (row.start, row.trials, row.admitted, row.reason) == (2, 0, False, "It dropped.")
        event = AuditEvent.objects.latest("pk")
        assert (event.action, event.target, event.actor) == (rules.RESTART, DOMAIN, "regression-tripwire")

    def test_a_trip_needs_no_second_person(self, settings: LazySettings) -> None:
        settings.FOUR_EYES = True
        ruled()
        tried("SS")
        trip()
        assert standing().start == 2

    def test_evidence_that_was_never_begun_stays_as_it_is(self) -> None:
        ruled()
        rows = AuditEvent.objects.count()
        trip()
        assert (standing().start, AuditEvent.objects.count()) == (1, rows)

    @pytest.mark.parametrize("mode", ["ENFORCE", "SHADOW"])
    @pytest.mark.parametrize("batch", [False, True])
    def test_a_tripwire_that_pulls_revokes_in_the_same_transaction(self, batch: bool, mode: str) -> None:
        ruled(engine=kpis.DOMAIN)
        proven()
        kpis.PolicyFactory(mode=mode)
        if batch:
            seen = [regression.Observation(**kpis.PAIR, success=number < 8) for number in range(12)]
            regression.record_kpis(observations=seen, actor="bot")
        else:
            kpis.record("SSSSSSSSFFFF")
        row = standing()
        if mode == "SHADOW":
            assert row.admitted
            return
        assert (row.start, row.admitted) == (2, False)
        assert row.reason.startswith(f"Regression tripwire: {kpis.DOMAIN}.{kpis.METRIC}")
        assert AuditEvent.objects.filter(action=rules.RESTART).latest("pk").via == "tripwire"
        assert not authorized().ok

    def test_re_arming_gives_no_admission_back(self) -> None:
        ruled(engine=kpis.DOMAIN)
        proven()
        kpis.PolicyFactory()
        kpis.record("SSSSSSSSFFFF")
        kpis.rearm()
        riskguard.set_policy(engine=kpis.DOMAIN, patch={"enabled": True}, actor="jo", reason="mended")
        assert authorized().reason == "insufficient_sandbox_trials"

    def test_a_trip_that_fails_leaves_the_evidence(self, monkeypatch: pytest.MonkeyPatch) -> None:
        ruled(engine=kpis.DOMAIN)
        proven()
        kpis.PolicyFactory()
        kpis.record("SSSSSSSSFFF")

        def broken(**_asked: Any) -> None:
            raise RuntimeError("no")

        monkeypatch.setattr("heimdall.admission.audit.record", broken)
        with pytest.raises(RuntimeError, match="no"):
            kpis.record("F")
        monkeypatch.undo()
        assert standing().admitted
        assert not regression.evaluate(**kpis.PAIR, actor="x").last_triggered_at  # type: ignore[union-attr]
