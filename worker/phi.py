"""The φ accrual failure detector (Hayashibara, Défago, Yared, Katayama, SRDS 2004): learns the gaps
between a link's answers.

φ is −log₁₀ of the chance that an answer is merely this late, given how far apart the answers came so far
(taken as normally distributed). φ = 8: in one of a hundred million such silences the link works.
"""

from __future__ import annotations

import math
from collections import deque
from functools import lru_cache

WINDOW = 100
ENOUGH = 5
FLOOR = 0.1


class PhiAccrual:
    """The last WINDOW gaps between answers, and the silence after which a link counts as dead.

    The deviation is at least FLOOR of the mean, so that the first late answer of a perfectly even link is
    tolerated.
    """

    def __init__(self, threshold: float = 8.0) -> None:
        self._gaps_ns: deque[int] = deque(maxlen=WINDOW)
        self._deviations = deviations_for(threshold)
        self._limit_ns: int | None = None

    def learn(self, gap_ns: int) -> None:
        """Add the gap between two answers."""
        self._gaps_ns.append(gap_ns)
        if len(self._gaps_ns) >= ENOUGH:
            mean, deviation = self._mean_and_deviation()
            self._limit_ns = int(mean + self._deviations * deviation)

    def limit_ns(self) -> int | None:
        """Return the silence at which φ reaches the threshold, or None below ENOUGH gaps."""
        return self._limit_ns

    def phi(self, silence_ns: int) -> float:
        """Return φ of a silence, 0 below ENOUGH gaps."""
        if len(self._gaps_ns) < ENOUGH:
            return 0.0
        mean, deviation = self._mean_and_deviation()
        chance = tail((silence_ns - mean) / deviation)
        return -math.log10(chance) if chance > 0 else math.inf

    def _mean_and_deviation(self) -> tuple[float, float]:
        mean = sum(self._gaps_ns) / len(self._gaps_ns)
        variance = sum((gap - mean) ** 2 for gap in self._gaps_ns) / len(self._gaps_ns)
        return mean, max(math.sqrt(variance), FLOOR * mean)


def tail(deviations: float) -> float:
    """Return the probability that a normal variable lies more than `deviations` standard deviations above its
    mean.
    """
    return 0.5 * math.erfc(deviations / math.sqrt(2))


@lru_cache(8)
def deviations_for(threshold: float) -> float:
    """Return the number of standard deviations above the mean at which φ = `threshold`, by bisection."""
    low, high = 0.0, 40.0
    for _ in range(60):
        middle = (low + high) / 2
        if tail(middle) > 10.0**-threshold:
            low = middle
        else:
            high = middle
    return high
