"""Goodness of fit: whether a policy, with its best base and cap, can have produced these gaps at all. Pure.

A likelihood ranks the known policies; it does not show that any of them fits. Under the true policy each
gap's place between the policy's bounds is uniform from 0 to 1, for every attempt number and previous delay
(Rosenblatt, Annals of Mathematical Statistics 23, 1952). Three tests follow, and the smallest probability,
times their number (Bonferroni), decides.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from driver.forensics.fit import Fit
from driver.forensics.gaps import RetryGaps
from driver.forensics.likelihood import EARLY_S
from driver.forensics.policies import Numbers, bounds

REJECTED = 1e-3
"""A policy is rejected where it produces gaps as extreme as these with a lower probability."""
STRAY_S, STRAY_SHARE = 0.25, 0.05
"""A process this late is stopped or starved; a higher share of such gaps is not lateness."""
LATE_S, LATE_SHARE = 0.05, 0.4
"""Without jitter, at most this share of the gaps may be this late on a busy machine."""
MAX_EARLY_S = 5 * EARLY_S
WIDE_S = 0.2
"""With bounds this far apart, lateness does not hide a draw's place."""
LATENESS_S = 0.02
"""The mean lateness of a busy process is at most this; it shifts all places in one direction."""
MIN_GAPS = 8
_LAST_NUMBER = 10


@dataclass(frozen=True)
class Misfit:
    """Why a policy cannot have produced some gaps.

    `probability` is that of gaps as extreme as these; `outside` counts gaps outside the policy's bounds, of
    `gaps` in all.
    """

    probability: float
    outside: int
    gaps: int


def misfit(fit: Fit, gaps: RetryGaps) -> Misfit | None:
    """Return why `fit` cannot have produced `gaps`; None where it can, or where they are too few."""
    if len(gaps) < MIN_GAPS:
        return None
    low, high = _bounds(fit, gaps)
    outside = _outside(gaps.gap_s, low, high)
    chances = [_more_than(int(outside.sum()), len(gaps), STRAY_SHARE)]
    narrow = high - low < EARLY_S
    if narrow.any():
        late = gaps.gap_s[narrow] - high[narrow] > LATE_S
        chances.append(_more_than(int(late.sum()), int(narrow.sum()), LATE_SHARE))
    chances += _uneven(fit, gaps, low, high)
    probability = min(1.0, min(chances) * len(chances))
    return Misfit(probability, int(outside.sum()), len(gaps)) if probability < REJECTED else None


def _bounds(fit: Fit, gaps: RetryGaps) -> tuple[Numbers, Numbers]:
    base_s, cap_s = (0.0 if math.isnan(one) else one for one in (fit.base_s, fit.cap_s))
    low, high = bounds(fit.policy, gaps.before, np.asarray(base_s), np.asarray(cap_s))
    return np.minimum(low, fit.policy.longest_s), np.minimum(high, fit.policy.longest_s)


def _outside(gap_s: Numbers, low: Numbers, high: Numbers) -> NDArray[np.bool_]:
    return (gap_s < low - MAX_EARLY_S) | (gap_s > high + STRAY_S)


def _more_than(count: int, of: int, share: float) -> float:
    """Return the probability of `count` or more of `of` gaps, each with probability `share`."""
    return float(stats.binom.sf(count - 1, of, share))


def _uneven(fit: Fit, gaps: RetryGaps, low: Numbers, high: Numbers) -> list[float]:
    """Return the p-values of the draws' places: of all, by attempt number, and of successive draws."""
    wide = (high - low >= WIDE_S) & (high < fit.policy.longest_s) & ~_outside(gaps.gap_s, low, high)
    place = np.clip((gaps.gap_s[wide] - low[wide]) / (high[wide] - low[wide]), 0.0, 1.0)
    numbers = np.minimum(gaps.before.number[wide], _LAST_NUMBER)
    slack = LATENESS_S / (high[wide] - low[wide])
    chances = [_evenness(place[part], float(slack[part].mean())) for part in _parts(numbers)]
    follows = (np.diff(gaps.outage[wide]) == 0) & (np.diff(gaps.before.number[wide]) == 1)
    if follows.sum() >= MIN_GAPS:
        before, after = place[:-1][follows], place[1:][follows]
        if np.ptp(before) > 0 and np.ptp(after) > 0:
            chances.append(float(stats.spearmanr(before, after).pvalue))
    return chances


def _parts(numbers: Numbers) -> Iterator[NDArray[np.bool_]]:
    for part in (numbers > 0, *(numbers == number for number in np.unique(numbers))):
        if part.sum() >= MIN_GAPS:
            yield part


def _evenness(place: Numbers, slack: float) -> float:
    """Return the p-value of a Kolmogorov-Smirnov test for uniform draws, with slack for lateness."""
    distance = float(stats.kstest(place, "uniform").statistic) - slack
    return float(stats.kstwo.sf(distance, len(place))) if distance > 0 else 1.0
