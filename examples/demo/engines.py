"""What the engines of the demo do: offers, capital, messages, trials, recommendations, and what came of them."""

from __future__ import annotations

import datetime as dt
import functools
import itertools
import random
from collections import Counter

from examples.deals import services as deals
from examples.deals.services import Offer, Refusal
from examples.demo.desk import WATCHED, Desk
from examples.demo.schedule import Schedule, Step
from governance import clock
from heimdall import services as heimdall
from regression import selectors
from regression import services as regression
from riskguard import services as riskguard

MINUTE, HOUR = dt.timedelta(minutes=1), dt.timedelta(hours=1)
TRIALS = {"WHOLESALE_OFFER": (95, 0.9), "BUYER_MATCH": (70, 0.88), "CAPITAL_ROUTE": (40, 0.83)}  # a week; successes
GOOD, BAD = 0.96, 0.35
# What becomes of reservations of capital, in turn: settled after so many hours (one of a day or more has expired by
# then), released, or forgotten.
RELEASED, FORGOTTEN = -1, -2
CAPITAL = (6, FORGOTTEN, RELEASED, 30, 1, 3, 6, 20, 3, 6, 1, FORGOTTEN, 6, RELEASED, 3, 20)
BUYERS = ("Alder Farm", "Birch & Sons", "Cedar Yard", "Dogwood Mill", "Elm Street Market", "Fir Co-operative")


class Engines:
    """Traffic in proportion to ``weeks``, with one fault that the desk mends, and one at the end that waits for it."""

    def __init__(
        self, schedule: Schedule, desk: Desk, tally: Counter[str], rng: random.Random, *, weeks: float
    ) -> None:
        self._schedule, self._desk, self._tally, self._rng, self._weeks = schedule, desk, tally, rng, weeks
        self._capital = itertools.cycle(CAPITAL)
        # A tripwire can trip only once both its windows are filled, however short the demo is.
        self._reports, (current, baseline) = self._watched(WATCHED[0], 1.7)
        self._first_fault = self._reports[max(baseline + current * 3 // 5, len(self._reports) // 2)]
        self._offers, (current, _baseline) = self._watched(WATCHED[1], 1.5)
        self._last_fault = self._offers[-(current * 3 // 5)]

    def plan(self) -> None:
        """Enter the traffic into the schedule."""
        self._weekly(60, self._deal)
        self._weekly(3, functools.partial(self._reserve, "WHOLESALE", 180_000))
        self._weekly(30, self._invest)
        self._weekly(6, functools.partial(self._reserve, "NOTIFY", 500))
        self._weekly(1, functools.partial(self._reserve, "PILOT", 5_000))
        self._weekly(30, self._match)
        self._weekly(8, functools.partial(self._recommend, "CAPITAL_ROUTE", "capital-engine"))
        self._weekly(60, lambda: self._kpi("BUYER_MATCH/match_success", GOOD))
        for domain, (count, successes) in TRIALS.items():
            self._weekly(count, functools.partial(self._trial, domain, successes))
        for at in self._reports:
            self._schedule.add(at, lambda: self._kpi(WATCHED[0], self._contract_rate()))
        for at in self._offers:
            self._schedule.add(at, lambda: self._kpi(WATCHED[1], self._offer_accept_rate()))
        for minutes in (5, 15, 30):
            self._schedule.add(self._schedule.part(0.4) + minutes * MINUTE, self._deal)
        self._losing_day()

    def _weekly(self, count: int, step: Step) -> None:
        for at in self._schedule.moments(max(1, round(count * self._weeks))):
            self._schedule.add(at, step)

    def _watched(self, tripwire: str, fills: float) -> tuple[list[dt.datetime], tuple[int, int]]:
        """Return the times of a tripwire's events, enough to fill its windows ``fills`` times, and the windows."""
        policy = next(policy for policy in selectors.policies() if str(policy) == tripwire)
        windows = policy.window_events, policy.baseline_events
        return self._schedule.moments(round(max(75 * self._weeks, fills * sum(windows)))), windows

    def _contract_rate(self) -> float:
        return BAD if clock.now() >= self._first_fault and not self._desk.mended else GOOD

    def _offer_accept_rate(self) -> float:
        return BAD if clock.now() >= self._last_fault else GOOD

    def _deal(self) -> None:
        """Make an offer, every other time on a recommendation."""
        recommendation = self._recommend("WHOLESALE_OFFER", "heimdall-ai") if self._chance(0.5) else None
        offer = Offer(
            title=f"{self._rng.randint(2, 40)} loads to {self._rng.choice(BUYERS)}",
            amount=self._rng.randint(3_000, 11_000),
            signed=self._chance(self._contract_rate()),
            realized_loss=self._rng.randint(300, 2_500) if self._chance(0.05) else 0,
            recommendation_id=recommendation,
        )
        made = deals.make(offer=offer, actor="wholesale-engine")
        self._count(f"deals refused: {made.reason}" if isinstance(made, Refusal) else "deals booked")

    def _invest(self) -> None:
        """Reserve capital, and settle it some hours later, or give it back, or forget it."""
        held = self._reserve("CAPITAL", self._rng.randint(4_000, 14_000))
        if held is None:
            return
        after = next(self._capital)
        if after == RELEASED:
            self._schedule.after(9 * MINUTE, functools.partial(self._release, held))
        elif after != FORGOTTEN:
            loss = self._rng.randint(300, 3_000) if self._chance(0.12) else 0
            self._schedule.after(after * HOUR, functools.partial(self._settle, held, loss))

    def _losing_day(self) -> None:
        """Plan a morning on which CAPITAL loses more than its cap, and what it tries in the afternoon."""
        morning = self._schedule.part(0.72).replace(hour=8, minute=0)

        def lose() -> None:
            held = self._reserve("CAPITAL", 9_000)
            if held is not None:
                self._schedule.after(HOUR, functools.partial(self._settle, held, 6_000))

        for number in range(3):
            self._schedule.add(morning + number * MINUTE, lose)
            self._schedule.add(morning + (5 + number) * HOUR, lose)

    def _match(self) -> None:
        """Ask whether a match may be made; now and then twice for the same one."""
        recommended = self._recommend("BUYER_MATCH", "heimdall-ai")
        for _time in range(2 if self._chance(0.1) else 1):
            ruling = heimdall.authorize(recommendation_id=recommended, actor="match-engine")
            self._count("authorizations" if ruling.ok else f"authorizations refused: {ruling.reason}")
            if ruling.ok:
                # The model is a little too sure of itself, as models are.
                success = self._chance(ruling.recommendation.confidence - 0.03)
                self._schedule.after(HOUR, functools.partial(self._turned_out, recommended, success))

    def _turned_out(self, recommended: int, success: bool) -> None:
        heimdall.record_outcome(recommendation_id=recommended, success=success, actor="match-engine")
        self._count("outcomes")

    def _recommend(self, domain: str, actor: str) -> int:
        confidence = round(self._rng.uniform(0.86, 0.995), 3)
        stored = heimdall.recommend(
            domain=domain,
            confidence=confidence,
            recommendation={"buyer": self._rng.choice(BUYERS)},
            evidence={"model": "v2.1", "prediction_score": confidence},
            actor=actor,
        )
        self._count("recommendations")
        return int(stored.recommendation.pk)

    def _trial(self, domain: str, successes: float) -> None:
        confidence = round(self._rng.uniform(0.8, 0.99), 3)
        heimdall.trial(domain=domain, confidence=confidence, success=self._chance(successes), actor="sandbox")
        self._count("sandbox trials")

    def _kpi(self, tripwire: str, rate: float) -> None:
        domain, _slash, metric = tripwire.partition("/")
        regression.record_kpi(domain=domain, metric=metric, success=self._chance(rate), actor=f"{metric}-feed")
        self._count("KPI events")

    def _reserve(self, engine: str, amount: int) -> int | None:
        ruling = riskguard.reserve(engine=engine, amount=amount, actor=f"{engine.lower()}-engine")
        self._count("reservations" if ruling.ok else f"reservations refused: {ruling.reason}")
        return int(ruling.reservation.pk) if ruling.ok and ruling.reservation is not None else None

    def _settle(self, held: int, loss: int) -> None:
        riskguard.settle(reservation_id=held, realized_loss=loss, actor="capital-engine")
        self._count("settled")

    def _release(self, held: int) -> None:
        riskguard.release(reservation_id=held, actor="capital-engine")
        self._count("released")

    def _chance(self, share: float) -> bool:
        return self._rng.random() < share

    def _count(self, what: str) -> None:
        self._tally[what] += 1
