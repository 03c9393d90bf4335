"""Measure the detectors and the evidence rules against their promises, and write the figures to docs/statistics.md.

Run as ``python -m bench.statistics`` (``make statistics``); it takes a few minutes. Every figure comes from a seeded
simulation of the product's own functions; the exit status is 1 where a promise is not kept.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib import pyplot as plt

from heimdall import anytime
from regression import simulation
from regression.drawing import finish
from regression.rules import KILL_SWITCH, THROTTLE, Terms
from regression.sequential import Settings
from regression.simulation import Rate, SequentialStreams, WindowStreams
from regression.units import Scale

SEED = 20260113
TRIALS = 10_000
ROOT = Path(__file__).resolve().parent.parent
PAGE, IMAGES = ROOT / "docs" / "statistics.md", ROOT / "docs" / "images"
BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"

WINDOW = Terms(50, 200, 50, Decimal("0.2"), enabled=True)
NO_FLOOR = 1e-6
SEQUENTIAL = Settings(THROTTLE, 1_000, Scale(), 0.025, 20_000, 0.01, NO_FLOOR)
KILL = Settings(KILL_SWITCH, 1_000, Scale(), 0.04, 20_000, 0.01, NO_FLOOR)
RATES = (0.95, 0.8, 0.5)
DROPS = (0.1, 0.2, 0.3, 0.5)
PROMISED_DELAYS = {0.95: (41, 22, 11), 0.8: (116, 56, 24), 0.5: (426, 175, 65)}  # of drops of 20, 30 and 50 percent

Rows = list[list[str]]


class Checks:
    """What was promised, and whether it was kept."""

    def __init__(self) -> None:
        """Start with nothing broken."""
        self.broken: list[str] = []

    def at_most(self, name: str, measured: float, limit: float) -> str:
        """Return the figure, and note it where it is above its limit."""
        if not measured <= limit:
            self.broken.append(f"{name}: {measured:.4g} is above {limit:.4g}")
        return f"{measured:.4g}" if measured < 1_000 else f"{measured:,.0f}"


def rng(*names: float) -> np.random.Generator:
    """Return a generator of its own for each figure, so that none moves when another is added."""
    return np.random.default_rng([SEED, *(round(name * 1_000) for name in names)])


def delay(detector: Settings | Terms, rate: float, drop: float, trials: int) -> float:
    """Return the median delay of a drop that begins 1,000 events after arming."""
    generator, metric = rng(1, rate, drop), Rate(rate)
    armed = simulation.streams(detector, metric, generator, trials)
    simulation.run(armed, metric, generator, trials=trials, events=1_000)
    found = simulation.delays_after(armed, metric, generator, trials=trials, drop=drop, horizon=20_000)
    return float(np.median(found))


def tripwires(checks: Checks) -> Iterator[Rows]:
    """Yield the tables of the two detectors: false alarms, then delays."""
    alarms = [["Metric never changes", *(f"rate {rate}" for rate in RATES)]]
    named = {"WINDOW": WINDOW, "SEQUENTIAL, THROTTLE": SEQUENTIAL}
    for name, detector in named.items():
        ever, often = [], []
        for rate in RATES:
            found, count = simulation.false_alarms(detector, Rate(rate), rng(2, rate), trials=TRIALS, events=5_000)
            limit = 0.06 if detector is SEQUENTIAL else 1
            ever.append(checks.at_most(f"{name} at {rate}, false alarm", found.mean(), limit))
            often.append(f"{count.mean():.3g}")
        alarms += [[f"{name}: probability of a trip in 5,000 events", *ever]]
        alarms += [[f"{name}: trips in 5,000 events, on average", *often]]
        if detector is WINDOW:
            rolling = [f"{np.mean(_rolled_on(rate)):.3g}" for rate in RATES]
            alarms.append(["The same, were a trip's events let into the next baseline", *rolling])
    killed = []
    for rate in RATES:
        found, _count = simulation.false_alarms(KILL, Rate(rate), rng(3, rate), trials=TRIALS // 4, events=50_000)
        killed.append(checks.at_most(f"KILL_SWITCH at {rate}, false alarm", found.mean(), 0.05))
    alarms.append(["SEQUENTIAL, KILL_SWITCH: probability of a trip in 50,000 events", *killed])
    yield alarms

    named["SEQUENTIAL, KILL_SWITCH"] = KILL
    delays = [["Median events to the trip", *(f"drop of {drop:.0%}" for drop in DROPS)]]
    for rate in RATES:
        for name, detector in named.items():
            row = []
            for drop in DROPS:
                seen = delay(detector, rate, drop, TRIALS // 2)
                limit = math.inf
                if detector is SEQUENTIAL and drop in DROPS[1:]:
                    limit = 1.1 * PROMISED_DELAYS[rate][DROPS.index(drop) - 1]
                row.append(checks.at_most(f"{name} at {rate}, delay of a drop of {drop}", seen, limit))
            delays.append([f"{name}, rate {rate}", *row])
    yield delays


def pins(checks: Checks) -> Iterator[Rows]:
    """Yield how often a baseline that was picked after looking breaks the bound, beside one that was not."""
    rows = [["THROTTLE, 5,000 unchanged events", *(f"rate {rate}" for rate in RATES)]]
    for name, weeks in (("pinned ahead", 1), ("pinned as the best of four weeks", 4)):
        row = []
        for rate in RATES:
            generator, metric = rng(4, rate, weeks), Rate(rate)
            drawn = [simulation.bounds(SEQUENTIAL, metric, generator, TRIALS) for _week in range(weeks)]
            best = np.max([bound for bound, _mean in drawn], axis=0), np.max([mean for _bound, mean in drawn], axis=0)
            armed = SequentialStreams(SEQUENTIAL, best)
            count = simulation.run(armed, metric, generator, trials=TRIALS, events=5_000)
            limit = 0.06 if weeks == 1 else 1
            row.append(checks.at_most(f"{name} at {rate}", (count > 0).mean(), limit))
        rows.append([f"A baseline {name}: probability of a trip", *row])
    yield rows


def blocks() -> Iterator[Rows]:
    """Yield what resemblance of neighbours does to the bound, and what blocks do for it."""
    rows = [["Rate 0.8, THROTTLE, 20,000 unchanged events", "lag-1 correlation 0", "0.15", "0.3", "0.5"]]
    trials, size = 1_000, 5_000
    for events in (1, 10, 20):
        detector = Settings(THROTTLE, size, Scale(block_events=events), 0.025, 20_000, 0.01, NO_FLOOR)
        row = []
        for correlation in (0.0, 0.15, 0.3, 0.5):
            stream = _sticky(0.8, correlation, (trials, size + 20_000), rng(5, correlation))
            units = stream.reshape(trials, -1, events).mean(axis=2)
            head, rest = units[:, : size // events], units[:, size // events :]
            armed = SequentialStreams(detector, simulation.bounds_of(detector, head))
            ever = np.zeros(trials, dtype=bool)
            for unit in rest.T:
                ever |= armed.step(unit)
            row.append(f"{ever.mean():.3g}")
        rows.append([f"Blocks of {events}" if events > 1 else "Single events", *row])
    yield rows


def charters(checks: Checks) -> Iterator[Rows]:
    """Yield the tables of Heimdall's evidence rules: who is admitted, and how soon."""
    rows = [["Asked for: 0.80. Ever admitted in 180 days of daily looks", "true 0.75", "true 0.79"]]
    for per_day in (5, 50):
        row = []
        for rate in (0.75, 0.79):
            days = admitted_after(rate, per_day, 180, TRIALS)
            limit = anytime.ALPHA
            row.append(checks.at_most(f"ANYTIME, true {rate}, {per_day} a day", np.isfinite(days).mean(), limit))
        rows.append([f"ANYTIME, {per_day} trials a day", *row])
    once, daily = [], []
    for rate in (0.75, 0.79):
        trials = np.arange(5, 905, 5)
        rates = rng(7, rate).binomial(5, rate, (TRIALS, 180)).cumsum(axis=1) / trials
        passes = (rates >= 0.8) & (trials >= 20)
        once.append(f"{passes[:, 3].mean():.3g}")
        daily.append(f"{passes.any(axis=1).mean():.3g}")
    rows.append(["POINT, 5 trials a day, looked at once after 20", *once])
    rows.append(["POINT, 5 trials a day, looked at daily from 20 on", *daily])
    yield rows

    days = admitted_after(0.9, 5, 180, TRIALS)
    checks.at_most("ANYTIME, true 0.90, median days", float(np.median(days)), 20)
    checks.at_most("ANYTIME, true 0.90, 95 percent, days", float(np.quantile(days, 0.95)), 60)
    yield [
        ["Asked for: 0.80, true 0.90, 5 trials a day", "half admitted by day", "95 percent by day", "within 20 days"],
        ["ANYTIME", f"{np.median(days):.0f}", f"{np.quantile(days, 0.95):.0f}", f"{(days <= 20).mean():.3g}"],
    ]


def admitted_after(rate: float, per_day: int, days: int, trials: int) -> np.ndarray:
    """Return the day on which each of ``trials`` domains is admitted, looked at once a day; infinite: never."""
    generator = rng(6, rate, per_day)
    successes = generator.binomial(per_day, rate, (trials, days)).cumsum(axis=1)
    first = np.full(trials, np.inf)
    for day in range(1, days + 1):
        known, which = np.unique(successes[:, day - 1], return_inverse=True)
        shown = [anytime.Shown(1, day * per_day, int(count), admitted=False) for count in known]
        eligible = np.array([anytime.verdict(each, 0.8) == anytime.ELIGIBLE for each in shown])
        first[eligible[which] & np.isinf(first)] = day
    return first


def plots() -> None:
    """Draw the two pictures of docs/statistics.md."""
    mpl.use("Agg")
    IMAGES.mkdir(parents=True, exist_ok=True)
    styles = {"WINDOW": (WINDOW, "#b42318"), "SEQUENTIAL": (SEQUENTIAL, "#175cd3")}
    figure, axes = plt.subplots(figsize=(8, 4.2), layout="constrained")
    for name, (detector, colour) in styles.items():
        for rate, dashes in zip(RATES, ("-", "--", ":"), strict=True):
            generator, metric, trials = rng(8, rate), Rate(rate), 2_000
            armed, ever, line = simulation.streams(detector, metric, generator, trials), np.zeros(trials, bool), [0.0]
            for _event in range(5_000):
                ever |= armed.step(metric.draw(generator, (trials,)))
                line.append(ever.mean())
            axes.plot(line, dashes, color=colour, label=f"{name}, rate {rate}")
    axes.set(xlabel="events since it was armed", ylabel="share that has tripped", ylim=(0, 1.02), xlim=(0, 5_000))
    axes.set_title("A metric that never changes: how many tripwires have tripped by then?", loc="left")
    finish(axes)
    figure.savefig(IMAGES / "statistics-false-alarms.png", dpi=110)

    figure, axes = plt.subplots(figsize=(8, 4.2), layout="constrained")
    drops = (0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5)
    for name, (detector, colour) in styles.items():
        for rate, dashes in zip(RATES, ("-", "--", ":"), strict=True):
            line = [delay(detector, rate, drop, 1_000) for drop in drops]
            axes.plot([100 * drop for drop in drops], line, dashes, marker="o", ms=3, color=colour,
                      label=f"{name}, rate {rate}")  # fmt: skip
    axes.set(yscale="log", xlabel="drop, percent of the rate", ylabel="median events to the trip")
    axes.set_title("A metric that drops: how many events until it trips?", loc="left")
    finish(axes)
    figure.savefig(IMAGES / "statistics-delays.png", dpi=110)


class _Rolling(WindowStreams):
    """The WINDOW detector whose baseline rolls on over a trip's events."""

    def _rearm(self, which: np.ndarray, cut: np.ndarray) -> None:
        self._armed_for[which] = 0


def _rolled_on(rate: float) -> np.ndarray:
    generator, metric = rng(2, rate), Rate(rate)
    armed = _Rolling(WINDOW, metric.draw(generator, (TRIALS // 4, WINDOW.baseline_events)))
    return simulation.run(armed, metric, generator, trials=TRIALS // 4, events=5_000)


def _sticky(rate: float, correlation: float, shape: tuple[int, int], generator: np.random.Generator) -> np.ndarray:
    """Return successes at ``rate``, each the same as the one before it with probability ``correlation``, else new."""
    stream = (generator.random(shape) < rate).astype(float)
    stays = generator.random(shape) < correlation
    for event in range(1, shape[1]):
        stream[:, event] = np.where(stays[:, event], stream[:, event - 1], stream[:, event])
    return stream


def _table(rows: Rows) -> str:
    head, *rest = rows
    lines = [head, ["---"] + ["---:"] * (len(head) - 1), *rest]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main() -> int:
    """Measure, write, and say what was not kept."""
    checks = Checks()
    tables = []
    measured = {
        "Tripwires": tripwires(checks),
        "Baselines": pins(checks),
        "Neighbours that resemble one another": blocks(),
        "Heimdall": charters(checks),
    }
    for title, found in measured.items():
        tables.append(f"### {title}")
        for rows in found:
            tables.append(_table(rows))
            print(tables[-1], end="\n\n", flush=True)
    plots()
    said = (
        f"Seed {SEED}; {TRIALS:,} trials for each false-alarm figure, {TRIALS // 4:,} for KILL_SWITCH and for WINDOW "
        f"with a baseline that rolls on, {TRIALS // 2:,} for each delay, 1,000 for the blocks."
    )
    page = PAGE.read_text()
    head, tail = page.partition(BEGIN)[0], page.partition(END)[2]
    PAGE.write_text(f"{head}{BEGIN}\n{said}\n\n" + "\n\n".join(tables) + f"\n{END}{tail}")
    for broken in checks.broken:
        print("NOT KEPT:", broken)
    return 1 if checks.broken else 0


if __name__ == "__main__":
    sys.exit(main())
