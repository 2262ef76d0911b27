"""Two contenders in turn, A B A B …, so that a machine whose speed drifts treats both alike; medians with an
interval.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

RESAMPLES = 10_000


@dataclass(frozen=True)
class Estimate:
    """A median and its 95 % interval (percentile bootstrap, Efron 1979)."""

    median: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.median:.2f} ({self.low:.2f} … {self.high:.2f})"


def estimate(values: Sequence[float]) -> Estimate:
    """The median of `values`, with the interval that resampling gives. Raises ValueError when there are
    none.
    """
    if not values:
        raise ValueError("nothing was measured")
    drawn = np.random.default_rng(0).choice(np.asarray(values), size=(RESAMPLES, len(values)))
    low, high = np.percentile(np.median(drawn, axis=1), [2.5, 97.5])
    return Estimate(float(np.median(values)), float(low), float(high))


def in_turn(
    ours: Callable[[], float], theirs: Callable[[], float], rounds: int
) -> tuple[list[float], list[float]]:
    """Measure both contenders `rounds` times, one after the other."""
    pairs = [(ours(), theirs()) for _ in range(rounds)]
    return [first for first, _ in pairs], [second for _, second in pairs]


def ratios(ours: Sequence[float], theirs: Sequence[float]) -> Estimate:
    """Ours ÷ theirs, pair by pair."""
    return estimate([first / second for first, second in zip(ours, theirs, strict=True)])
