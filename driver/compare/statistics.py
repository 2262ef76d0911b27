"""The difference of two groups' means, with a 95 % interval and a p-value. Pure.

Two levels. Where each side has RUNS_NEEDED runs or more, one number for each run is compared (Welch's t:
with three or five runs a permutation reaches no small p that survives the correction). Where a side has
fewer, one number for each client is (permutation, bootstrap): that distinguishes two runs, and does not
separate what differs between the systems from what the machine did differently in these two runs.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

RUNS_NEEDED = 3
ALPHA = {"runs": 0.05, "workers": 0.01}
"""The share of comparisons of a system with itself that may find a difference; `corrected` holds it over all
metrics together. Between single runs the machine differs too, so more must be shown there.
"""
POWER = 0.9
RESAMPLES = 9_999
MORE_RESAMPLES = 99_999
SEED = 20_261_124
# The least relative spread of runs of one system on one machine, however alike a few of them are.
LEAST_SPREAD = 0.03


@dataclass(frozen=True)
class MeanDifference:
    """`change` is the second mean less the first; `low` to `high` holds it in 95 % of such comparisons.

    `error` is the standard error of `change` with `freedom` degrees of freedom; 0 and 1 where not computed.
    """

    before: float
    after: float
    change: float
    low: float
    high: float
    p: float
    error: float = 0.0
    freedom: float = 1.0

    def seen_from(self, share: float) -> float:
        """Return the smallest change that is found in nine of ten comparisons like this one.

        `share` is the part of ALPHA that this metric may use (Bonferroni: the least that `corrected` grants).
        """
        if not self.error:
            return 0.0
        sure = float(stats.t.ppf(1 - ALPHA["runs"] * share / 2, self.freedom))
        return (sure + float(stats.t.ppf(POWER, self.freedom))) * self.error

    @property
    def relative(self) -> float | None:
        """The change as a part of the first mean; None where that is zero."""
        return self.change / abs(self.before) if self.before else None


def of_runs(before: Sequence[float], after: Sequence[float]) -> MeanDifference:
    """Return the difference between two groups of runs, one number for each run; two or more on each side."""
    means = float(np.mean(before)), float(np.mean(after))
    scale = LEAST_SPREAD * max(abs(means[0]), abs(means[1]))
    spreads = [max(float(np.std(side, ddof=1)), scale) for side in (before, after)]
    change = means[1] - means[0]
    errors = [spread**2 / len(side) for spread, side in zip(spreads, (before, after), strict=True)]
    error = math.sqrt(sum(errors))
    if error == 0:
        return MeanDifference(*means, change, change, change, 1.0)
    freedom = _freedom(errors, [len(before), len(after)])
    half = float(stats.t.ppf(0.975, freedom)) * error
    p = 2 * float(stats.t.sf(abs(change) / error, freedom))
    return MeanDifference(*means, change, change - half, change + half, p, error, freedom)


def _freedom(errors: Sequence[float], sizes: Sequence[int]) -> float:
    """Return Student's degrees of freedom for sides of one size (robust to unequal spreads), else Welch's."""
    if sizes[0] == sizes[1]:
        return float(sum(sizes) - 2)
    return sum(errors) ** 2 / sum(part**2 / (size - 1) for part, size in zip(errors, sizes, strict=True))


def of_clients(before: Sequence[float], after: Sequence[float], among: int = 1) -> MeanDifference:
    """Return the difference between two runs, one number for each client; two or more on each side.

    `among` is the number of comparisons made at once: above 1, a small p is computed with more resamples.
    """
    first, second = np.asarray(before, float), np.asarray(after, float)
    means = float(first.mean()), float(second.mean())
    low, high = _bootstrap(first, second)
    if np.ptp(np.concatenate([first, second])) == 0:
        return MeanDifference(*means, 0.0, 0.0, 0.0, 1.0)
    p = _permuted(first, second, RESAMPLES)
    if among > 1 and p < ALPHA["workers"] / 10:
        p = _permuted(first, second, MORE_RESAMPLES)
    return MeanDifference(*means, means[1] - means[0], low, high, p)


def interval(values: Sequence[float], per_run: bool) -> tuple[float, float] | None:
    """Return a mean's 95 % interval, Student's for runs, bootstrap for clients; None for a single number."""
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


def corrected(chances: Sequence[float], weights: Sequence[float] = ()) -> list[float]:
    """Return p-values as Benjamini and Hochberg correct them for being many (J. R. Statist. Soc. B 57, 1995).

    `weights` (one each, alike where none are given) say how much of ALPHA each may use (Genovese, Roeder and
    Wasserman, Biometrika 93, 2006).

    Where nothing differs, any of them is below ALPHA in at most ALPHA of the cases, as with Holm's.
    Where much differs, which is how a change of a system shows, far smaller changes are found.
    """
    if not chances:
        return []
    shares = np.asarray(weights or [1.0] * len(chances), float)
    weighted = np.asarray(chances, float) * shares.mean() / shares
    order = np.argsort(weighted)[::-1]
    ranks = np.arange(len(weighted), 0, -1)
    found = np.empty(len(weighted))
    found[order] = np.minimum.accumulate(np.minimum(1.0, weighted[order] * len(weighted) / ranks))
    return [float(p) for p in found]


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
