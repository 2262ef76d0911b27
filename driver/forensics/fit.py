"""The maximum-likelihood base and cap of a policy for some gaps. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import product

import numpy as np

from driver.forensics.gaps import RetryGaps, sampled
from driver.forensics.likelihood import log_density
from driver.forensics.policies import Numbers
from wire.policies import BASE, CAP, ReconnectPolicy

FEW = 300
"""How many gaps choose the start of the search; all of them decide."""
STARTS = 3
STEPS = (1.25, 1.08, 1.025, 1.008, 1.0025, 1.0008)
SHORTEST_S, LONGEST_S = 0.01, 300.0
"""Shorter waits are lateness of a busy process; longer ones do not occur in an outage."""
_ROUNDS = 12


@dataclass(frozen=True)
class Fit:
    """A policy with its best base and cap, and the log-likelihood of the gaps.

    `score` is the log-likelihood minus half the logarithm of the number of gaps for each free parameter (the
    Bayesian information criterion, Schwarz 1978).
    """

    policy: ReconnectPolicy
    base_s: float
    cap_s: float
    log_likelihood: float
    score: float


def fit(policy: ReconnectPolicy, gaps: RetryGaps) -> Fit:
    """Return the policy's best fit of some gaps (at least one)."""
    pair = (math.nan, math.nan)
    if policy.parameters:
        few = sampled(gaps, FEW)
        starts = _best(policy, few, _candidates(policy, few), STARTS)
        pair = max((_climbed(policy, few, start) for start in starts), key=lambda found: found[1])[0]
        if len(few) < len(gaps):
            pair = _climbed(policy, gaps, pair, STEPS[2:])[0]
    found = fitted(policy, gaps, *pair)
    price = len(policy.parameters) * math.log(max(2, len(gaps))) / 2
    return replace(found, score=found.log_likelihood - price)


def fitted(policy: ReconnectPolicy, gaps: RetryGaps, base_s: float, cap_s: float) -> Fit:
    """Return the fit of a policy with given base and cap, which are not free parameters."""
    log_likelihood = float(_sums(policy, gaps, [(base_s, cap_s)])[0])
    return Fit(policy, base_s, cap_s, log_likelihood, log_likelihood)


def _sums(policy: ReconnectPolicy, gaps: RetryGaps, pairs: list[tuple[float, float]]) -> Numbers:
    """Return the log-likelihood of the gaps under each pair of base and cap."""
    # A parameter on which the policy does not depend is nan, and must not make its delay nan.
    table = np.nan_to_num(np.array(pairs, dtype=np.float64), nan=0.0)
    each = log_density(policy, gaps.gap_s, gaps.before, table[:, :1], table[:, 1:])
    sums: Numbers = np.broadcast_to(each, (len(pairs), len(gaps))).sum(axis=1)
    return sums


def _candidates(policy: ReconnectPolicy, gaps: RetryGaps) -> list[tuple[float, float]]:
    """Return the starts of the search: quantiles of the gaps, and a coarse grid."""
    own: set[float] = set(np.quantile(gaps.gap_s, (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)).tolist())
    for number in range(1, 9):
        of_number = gaps.gap_s[gaps.before.number == number]
        if len(of_number):
            found = np.quantile(of_number, (0.0, 0.5, 1.0)) / 2.0 ** (number - 1)
            own.update(found.tolist())
    net = np.geomspace(2e-3, 100.0, 16).tolist()
    lengths = sorted(min(LONGEST_S, max(SHORTEST_S, length)) for length in {*own, *net})
    if policy.parameters == (BASE,):
        return [(base_s, math.nan) for base_s in lengths]
    if policy.parameters == (CAP,):
        return [(math.nan, cap_s) for cap_s in lengths]
    growing = [pair for pair in product(lengths, lengths) if pair[1] >= policy.grows * pair[0]]
    return growing or [(SHORTEST_S, 1.0)]


def _best(
    policy: ReconnectPolicy, gaps: RetryGaps, pairs: list[tuple[float, float]], count: int
) -> list[tuple[float, float]]:
    sums = _sums(policy, gaps, pairs)
    return [pairs[index] for index in np.argsort(-sums)[:count]]


def _climbed(
    policy: ReconnectPolicy, gaps: RetryGaps, start: tuple[float, float], steps: tuple[float, ...] = STEPS
) -> tuple[tuple[float, float], float]:
    """Return the end of a hill climb with decreasing steps, and its log-likelihood."""
    at, height = start, -math.inf
    for step in steps:
        for _ in range(_ROUNDS):
            around = [
                (_within(at[0] * step**down), _within(at[1] * step**right))
                for down, right in product((0, -1, 1) if BASE in policy.parameters else (0,),
                                           (0, -1, 1) if CAP in policy.parameters else (0,))
            ]  # fmt: skip
            if len(policy.parameters) == 2:
                around = [at, *(pair for pair in around[1:] if pair[1] >= policy.grows * pair[0])]
            sums = _sums(policy, gaps, around)
            best = int(np.argmax(sums))
            if sums[best] <= height:
                break
            at, height = around[best], float(sums[best])
    return at, height


def _within(length_s: float) -> float:
    return length_s if math.isnan(length_s) else min(LONGEST_S, max(SHORTEST_S, length_s))
