"""The base and cap with which a policy explains some gaps best. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import product

import numpy as np

from driver.forensics.density import log_density
from driver.forensics.gaps import Gaps, sampled
from driver.forensics.policies import BASE, CAP, Numbers, Policy

FEW = 300
"""So many gaps choose where to look; all of them decide."""
STARTS = 3
STEPS = (1.25, 1.08, 1.025, 1.008, 1.0025, 1.0008)
SHORTEST_S, LONGEST_S = 0.01, 300.0
"""Less than a busy process is late by is no wait, and more than that is none that an outage shows."""
_ROUNDS = 12


@dataclass(frozen=True)
class Fit:
    """A policy with the base and cap that suit it best, and how well the gaps bear it out.

    `score` is the log-likelihood less what free parameters win by chance (half the logarithm of the gaps
    for each: the Bayesian information criterion).
    """

    policy: Policy
    base_s: float
    cap_s: float
    log_likelihood: float
    score: float


def fit(policy: Policy, gaps: Gaps) -> Fit:
    """The policy's best account of some gaps (one at least)."""
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


def fitted(policy: Policy, gaps: Gaps, base_s: float, cap_s: float) -> Fit:
    """How well a policy with a given base and cap explains some gaps; what is given has no price."""
    log_likelihood = float(_sums(policy, gaps, [(base_s, cap_s)])[0])
    return Fit(policy, base_s, cap_s, log_likelihood, log_likelihood)


def _sums(policy: Policy, gaps: Gaps, pairs: list[tuple[float, float]]) -> Numbers:
    """The log-likelihood of the gaps under each pair of base and cap."""
    # What a policy does not depend on must not make its delay a nan.
    table = np.nan_to_num(np.array(pairs, dtype=np.float64), nan=0.0)
    each = log_density(policy, gaps.gap_s, gaps.before, table[:, :1], table[:, 1:])
    sums: Numbers = np.broadcast_to(each, (len(pairs), len(gaps))).sum(axis=1)
    return sums


def _candidates(policy: Policy, gaps: Gaps) -> list[tuple[float, float]]:
    """Where to look first: what the gaps themselves say, and a coarse net over all that is usual."""
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
    policy: Policy, gaps: Gaps, pairs: list[tuple[float, float]], count: int
) -> list[tuple[float, float]]:
    sums = _sums(policy, gaps, pairs)
    return [pairs[index] for index in np.argsort(-sums)[:count]]


def _climbed(
    policy: Policy, gaps: Gaps, start: tuple[float, float], steps: tuple[float, ...] = STEPS
) -> tuple[tuple[float, float], float]:
    """From a start uphill in ever smaller steps; the end, and its log-likelihood."""
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
