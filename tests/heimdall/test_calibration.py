from __future__ import annotations

import json
import math
from io import StringIO

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from governance import clock
from heimdall import calibration, reliability, reporting
from heimdall.calibration import Pair, Report
from tests.heimdall.factories import PolicyFactory, RecommendationFactory

DOMAIN = "PRICING"


def _pairs(count: int, seed: int, *, off: float = 0.0) -> list[Pair]:
    """Return outcomes of a model whose success rate is its confidence less ``off``."""
    rng = np.random.default_rng(seed)
    stated = rng.uniform(0.9, 1.0, count)
    return [(float(said), bool(won)) for said, won in zip(stated, rng.random(count) < stated - off, strict=True)]


def _report(pairs: list[Pair], threshold: float = 0.9) -> Report:
    found = calibration.report(pairs, threshold)
    assert found is not None
    return found


@pytest.mark.sqlite  # no database is in it: one of the two runs is enough
class TestLaw:
    @pytest.mark.parametrize(
        ("successes", "outcomes", "low", "high"),
        [(0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (8, 10, 0.4902, 0.9433), (81, 263, 0.2553, 0.3662)],
    )
    def test_the_interval_is_wilsons(self, successes: int, outcomes: int, low: float, high: float) -> None:
        # The last is Newcombe's example (Statistics in Medicine 1998).
        found = _report([(0.9, number < successes) for number in range(outcomes)]).share
        assert (found.low, found.high) == pytest.approx((low, high), abs=5e-5)

    def test_no_outcome_is_no_report(self) -> None:
        assert calibration.report([], 0.9) is None

    def test_the_figures_are_those_of_the_definitions(self) -> None:
        pairs = [(0.9, True)] * 8 + [(0.9, False)] * 2 + [(0.95, True)] * 10
        found = _report(pairs)
        assert [(one.share.outcomes, one.share.successes, one.stated) for one in found.bins] == [
            (10, 8, pytest.approx(0.9)), (10, 10, pytest.approx(0.95)),
        ]  # fmt: skip
        assert found.brier == pytest.approx((8 * 0.01 + 2 * 0.81 + 10 * 0.0025) / 20)
        assert found.ece == pytest.approx((0.1 * 10 + 0.05 * 10) / 20)
        assert (found.share.rate, found.stated) == (0.9, pytest.approx(0.925))
        assert found.perfect.brier == pytest.approx((0.09 + 0.0475) / 2)

    @pytest.mark.parametrize(("count", "bins"), [(1, 1), (19, 1), (20, 2), (55, 5), (100, 10), (5_000, 10)])
    def test_bins_hold_about_as_many_and_ten_at_least(self, count: int, bins: int) -> None:
        sizes = [one.share.outcomes for one in _report(_pairs(count, 1)).bins]
        assert (len(sizes), sum(sizes)) == (bins, count)
        assert min(sizes) >= min(10, count)

    def test_equal_confidences_are_never_parted(self) -> None:
        pairs = [(0.95, number % 20 > 0) for number in range(500)] + [(0.99, True)] * 500
        found = _report(pairs)
        assert [(one.least, one.most, one.share.outcomes) for one in found.bins] == [
            (0.95, 0.95, 500), (0.99, 0.99, 500),
        ]  # fmt: skip

    def test_the_perfect_models_error_is_the_exact_expectation_within_the_simulations_own(self) -> None:
        # One bin of 20 at 0.9: the mean distance of a binomial share and 0.9, summed exactly.
        exact = sum(math.comb(20, k) * 0.9**k * 0.1 ** (20 - k) * abs(k / 20 - 0.9) for k in range(21))
        found = _report([(0.9, True)] * 20)
        assert found.perfect.ece == pytest.approx(exact, abs=4 * 0.05 / math.sqrt(calibration.RUNS))

    def test_the_same_outcomes_give_the_same_report(self) -> None:
        assert _report(_pairs(200, 3)) == _report(_pairs(200, 3))

    def test_an_honest_model_is_in_line_about_nineteen_times_in_twenty(self) -> None:
        # 100 models of 60 outcomes each: an honest one is called out of line 5 times, and 14 almost never.
        out = sum(not reporting.in_line(_report(_pairs(60, seed))) for seed in range(100))
        assert 0 < out <= 13

    def test_one_that_is_too_sure_of_itself_is_out_of_line(self) -> None:
        found = _report(_pairs(500, 5, off=0.1))
        assert not reporting.in_line(found)
        assert "confidences are higher than what comes of them" in reporting.verdict(found)
        assert found.perfect.as_far < 0.01

    def test_one_that_is_too_modest_is_out_of_line(self) -> None:
        assert "lower than what comes of them" in reporting.verdict(_report([(0.9, True)] * 200))

    def test_a_few_outcomes_of_an_honest_model_look_far_off_and_are_in_line(self) -> None:
        found = _report([(0.95, True)] * 18 + [(0.95, False)] * 2)
        assert found.ece == pytest.approx(0.05)
        assert reporting.in_line(found)

    def test_nothing_is_said_of_thresholds_below_the_present_one(self) -> None:
        found = _report(_pairs(200, 7), threshold=0.95)
        assert found.bins[0].least < 0.95
        assert found.thresholds[0].confidence == 0.95
        assert all(one.confidence >= 0.95 for one in found.thresholds)
        passing = [pair for pair in _pairs(200, 7) if pair[0] >= 0.95]
        assert found.thresholds[0].share.outcomes == len(passing)

    def test_a_threshold_that_let_nothing_through_is_left_out(self) -> None:
        assert _report([(0.9, True)] * 30, threshold=0.99).thresholds == []

    def test_the_diagram_has_each_bins_interval_and_both_points(self) -> None:
        found = _report([(0.9, True)] * 8 + [(0.9, False)] * 2)
        succeeded, stated, interval = reliability.chart(found)["datasets"]
        assert (succeeded["data"], stated["data"], interval["data"]) == ([80.0], [90.0], [[49.02, 94.33]])
        assert reliability.options(found)["scales"]["y"]["min"] == 40


def _told(domain: str = DOMAIN, pairs: list[Pair] | None = None) -> None:
    now = clock.now()
    for confidence, success in pairs or [(0.95, True)] * 18 + [(0.91, False)] * 12:
        RecommendationFactory(
            domain=domain, confidence=confidence, authorized_at=now, authorized_by="e", outcome=success,
            outcome_at=now, outcome_by="e",
        )  # fmt: skip


def _run(*arguments: str) -> str:
    out = StringIO()
    call_command("heimdall_report", *arguments, stdout=out)
    return out.getvalue()


@pytest.mark.django_db
@pytest.mark.usefixtures("live")
class TestReport:
    def test_counts_the_newest_outcomes_of_the_domain_alone(self, monkeypatch: pytest.MonkeyPatch) -> None:
        PolicyFactory(domain=DOMAIN)
        _told()
        _told("OTHER")
        RecommendationFactory(domain=DOMAIN)
        monkeypatch.setattr(reporting, "MOST", 12)
        (found,) = reporting.domains(DOMAIN)
        assert found.report is not None
        assert (found.report.share.outcomes, found.report.share.successes) == (12, 0)

    def test_the_command_draws_tables(self) -> None:
        PolicyFactory(domain=DOMAIN)
        _told()
        out = " ".join(_run("--domain", " pricing ").split())
        assert "30 outcomes, 0.600 (0.423 to 0.754); stated 0.934 on average." in out
        assert "Reliability" in out
        assert "0.000 (0.000 to 0.242)" in out
        assert "Out of line" in out
        assert "nothing is known of confidences below 0.9, the present threshold" in out

    def test_the_command_prints_json_of_every_domain(self) -> None:
        PolicyFactory(domain=DOMAIN)
        _told()
        told = {row["domain"]: row for row in json.loads(_run("--json"))}
        assert (len(told), told["BUYER_MATCH"]["calibration"]) == (5, None)
        found = told[DOMAIN]["calibration"]
        assert (told[DOMAIN]["outcomes"], found["rate"], found["successes"]) == (30, 0.6, 18)
        assert found["brier"] == pytest.approx((18 * 0.0025 + 12 * 0.8281) / 30, abs=1e-6)
        assert found["bins"][0] == {
            "from": 0.91, "to": 0.91, "stated": 0.91, "outcomes": 12, "successes": 0, "rate": 0.0, "low": 0.0,
            "high": pytest.approx(0.242494, abs=1e-6),
        }  # fmt: skip
        assert set(found["perfect"]) == {"brier", "ece", "ece_most", "as_far", "runs", "seed"}
        assert [one["confidence"] for one in found["thresholds"]] == [0.9, 0.95]

    def test_the_command_says_what_it_cannot_report(self) -> None:
        assert "No outcome is known" in _run("--domain", "BUYER_MATCH")
        with pytest.raises(CommandError, match="no Heimdall policy for NOWHERE"):
            _run("--domain", "NOWHERE")
        with pytest.raises(CommandError, match="--domain"):
            _run("--domain", "no spaces")

    def test_the_page_shows_each_domain_and_what_has_no_outcome(self, admin_client: Client) -> None:
        PolicyFactory(domain=DOMAIN)
        _told()
        page = admin_client.get("/admin/heimdall/calibration/")
        text = page.content.decode()
        assert page.status_code == 200
        assert 'class="chart"' in text
        assert "out of line" in text
        assert "BUYER_MATCH, CAPITAL_ROUTE, FOLLOWUP_NEXT_ACTION, WHOLESALE_OFFER" in text
        assert "Calibration" in admin_client.get("/admin/").content.decode()

    def test_the_page_asks_as_many_queries_for_one_outcome_as_for_thirty(self, admin_client: Client) -> None:
        PolicyFactory(domain=DOMAIN)
        counts = []
        for pairs in ([(0.95, True)], [(0.95, True)] * 29):
            _told(pairs=pairs)
            with CaptureQueriesContext(connection) as seen:
                admin_client.get("/admin/heimdall/calibration/")
            counts.append(len(seen))
        assert counts[0] == counts[1]
