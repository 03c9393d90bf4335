"""Rounds: every case once a round, so that what else the machine does meets all alike; medians and ratios of them."""

from __future__ import annotations

import dataclasses
import statistics
import sys
from collections.abc import Callable, Mapping, Sequence

ROUNDS, SECONDS = 5, 3
Figures = dict[str, float]
Case = Callable[[], Figures]


@dataclasses.dataclass(frozen=True, slots=True)
class Measured:
    """The figures of each case, round by round."""

    rounds: Mapping[str, Sequence[Figures]]

    def median(self, case: str, figure: str) -> float:
        """Return the median over the rounds."""
        return statistics.median(self.of(case, figure))

    def ratio(self, case: str, to: str, figure: str) -> float:
        """Return the median of each round's ratio of one case to another."""
        return statistics.median(
            mine / its for mine, its in zip(self.of(case, figure), self.of(to, figure), strict=True)
        )

    def of(self, case: str, figure: str) -> list[float]:
        """Return a figure of a case, round by round."""
        return [figures[figure] for figures in self.rounds[case]]


def interleaved(cases: Mapping[str, Case]) -> Measured:
    """Run every case once to warm up, and then once a round."""
    rounds: dict[str, list[Figures]] = {name: [] for name in cases}
    for number in range(ROUNDS + 1):
        for name, case in cases.items():
            figures = case()
            if number:
                rounds[name].append(figures)
            sys.stderr.write(f"  {number}/{ROUNDS}  {name}: {_told(figures)}\n")
    return Measured(rounds)


def _told(figures: Figures) -> str:
    return ", ".join(f"{name} {value:.4g}" for name, value in figures.items())
