"""How much two groups of numbers differ, with a 95 % interval, and how surely. Pure.

Two levels. Where each side has RUNS_NEEDED runs or more, one number a run is compared (Welch's t, since three
or five runs are too few for a permutation to reach any small p, and it survives the correction). Where a side
has fewer, one number a worker is (permutation, bootstrap): that tells two runs apart, and cannot tell what
differs between the systems from what the machine did differently in these two runs.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

RUNS_NEEDED = 3
ALPHA = 0.01
RESAMPLES = 9_999
MORE_RESAMPLES = 99_999
SEED = 20_261_124
# Runs of one system on one machine vary by so much at least, however alike the few that were seen.
LEAST_SPREAD = 0.05


@dataclass(frozen=True)
class Effect:
    """`change` is the second mean less the first; `low` to `high` holds it in 95 % of such comparisons."""

    before: float
    after: float
    change: float
    low: float
    high: float
    p: float

    @property
    def relative(self) -> float | None:
        """The change as a part of the first mean; None where that is zero."""
        return self.change / abs(self.before) if self.before else None


def of_runs(before: Sequence[float], after: Sequence[float]) -> Effect:
    """The effect between two groups of runs, one number a run; two or more on each side."""
    means = float(np.mean(before)), float(np.mean(after))
    scale = LEAST_SPREAD * max(abs(means[0]), abs(means[1]))
    spreads = [max(float(np.std(side, ddof=1)), scale) for side in (before, after)]
    change = means[1] - means[0]
    errors = [spread**2 / len(side) for spread, side in zip(spreads, (before, after), strict=True)]
    error = math.sqrt(sum(errors))
    if error == 0:
        return Effect(*means, change, change, change, 1.0)
    freedom = sum(errors) ** 2 / sum(
        part**2 / (len(side) - 1) for part, side in zip(errors, (before, after), strict=True)
    )
    half = float(stats.t.ppf(0.975, freedom)) * error
    p = 2 * float(stats.t.sf(abs(change) / error, freedom))
    return Effect(*means, change, change - half, change + half, p)


def of_workers(before: Sequence[float], after: Sequence[float], among: int = 1) -> Effect:
    """The effect between two runs, one number a worker; two workers or more on each side.

    `among` how many comparisons it is one: it must be able to show a `p` that is so many times smaller.
    """
    first, second = np.asarray(before, float), np.asarray(after, float)
    means = float(first.mean()), float(second.mean())
    low, high = _bootstrap(first, second)
    if np.ptp(np.concatenate([first, second])) == 0:
        return Effect(*means, 0.0, 0.0, 0.0, 1.0)
    p = _permuted(first, second, RESAMPLES)
    if among > 1 and p < ALPHA / 10:
        p = _permuted(first, second, MORE_RESAMPLES)
    return Effect(*means, means[1] - means[0], low, high, p)


def interval(values: Sequence[float], per_run: bool) -> tuple[float, float] | None:
    """The 95 % interval of a mean: Student's over runs, bootstrap over workers; None of a single number."""
    numbers = np.asarray(values, float)
    if len(numbers) < 2:
        return None
    mean = float(numbers.mean())
    if not per_run:
        rng = np.random.default_rng(SEED)
        means = rng.choice(numbers, (RESAMPLES, len(numbers))).mean(axis=1)
        return float(np.quantile(means, 0.025)), float(np.quantile(means, 0.975))
    spread = max(float(numbers.std(ddof=1)), LEAST_SPREAD * abs(mean))
    half = float(stats.t.ppf(0.975, len(numbers) - 1)) * spread / math.sqrt(len(numbers))
    return mean - half, mean + half


def holm(chances: Sequence[float]) -> list[float]:
    """The p-values as Holm corrects them for being many."""
    order = sorted(range(len(chances)), key=lambda index: chances[index])
    corrected = [1.0] * len(chances)
    highest = 0.0
    for place, index in enumerate(order):
        highest = max(highest, min(1.0, chances[index] * (len(chances) - place)))
        corrected[index] = highest
    return corrected


def _permuted(first: np.ndarray, second: np.ndarray, resamples: int) -> float:
    found = stats.permutation_test(
        (second, first),
        lambda x, y, axis: np.mean(x, axis=axis) - np.mean(y, axis=axis),
        vectorized=True,
        n_resamples=resamples,
        batch=RESAMPLES,
        rng=np.random.default_rng(SEED),
    )
    return float(found.pvalue)


def _bootstrap(first: np.ndarray, second: np.ndarray) -> tuple[float, float]:
    rng = np.random.default_rng(SEED)
    means = [rng.choice(side, (RESAMPLES, len(side))).mean(axis=1) for side in (first, second)]
    changes = means[1] - means[0]
    return float(np.quantile(changes, 0.025)), float(np.quantile(changes, 0.975))
