"""Intervals of counts that come by chance. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable
from statistics import NormalDist

# Two-sided: of ten thousand true faults one is not proved because of its counts.
CONFIDENCE = 0.9999
_STEPS = 80
# For more hits than this Wilson's interval differs from the exact one by less than a thousandth.
_MANY = 500


def rate_interval(hits: int, tries: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Return the exact interval of a probability after `hits` of `tries` (Clopper and Pearson 1934);
    (0, 1) for no tries.
    """
    assert 0 <= hits <= tries, (hits, tries)
    if not tries:
        return 0.0, 1.0
    tail = (1 - confidence) / 2
    if min(hits, tries - hits) > _MANY:
        return _wilson(hits, tries, NormalDist().inv_cdf(1 - tail))
    low = 0.0 if not hits else _solve(lambda p: 1 - _at_most(hits - 1, tries, p), tail)
    high = 1.0 if hits == tries else _solve(lambda p: -_at_most(hits, tries, p), -tail)
    return low, high


def _wilson(hits: int, tries: int, z: float) -> tuple[float, float]:
    share = hits / tries
    spread = z * math.sqrt(share * (1 - share) / tries + z * z / (4 * tries * tries))
    scale = 1 + z * z / tries
    middle = share + z * z / (2 * tries)
    return (middle - spread) / scale, (middle + spread) / scale


def _solve(rising: Callable[[float], float], goal: float) -> float:
    """Return where a rising function of a probability reaches `goal`, by bisection."""
    low, high = 0.0, 1.0
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if rising(middle) < goal else (low, middle)
    return (low + high) / 2


def _at_most(hits: int, tries: int, p: float) -> float:
    """Return the binomial probability of at most `hits` hits."""
    if p <= 0:
        return 1.0
    if p >= 1:
        return 1.0 if hits >= tries else 0.0
    log_p, log_q = math.log(p), math.log1p(-p)
    base = math.lgamma(tries + 1)
    total = 0.0
    # Terms far below the mean vanish.
    mean = tries * p
    first = max(0, math.floor(min(hits, mean) - 40 * math.sqrt(mean + 1) - 40))
    for count in range(first, hits + 1):
        log = (
            base
            - math.lgamma(count + 1)
            - math.lgamma(tries - count + 1)
            + count * log_p
            + (tries - count) * log_q
        )
        total += math.exp(log)
    return min(1.0, total)
