"""Which policy made these gaps: every policy's best account of them, and whether the gaps can tell them
apart. Pure.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from driver.forensics.density import log_density
from driver.forensics.fit import Fit, fit, fitted
from driver.forensics.gaps import MOST_GAPS, Gaps, pooled, sampled
from driver.forensics.goodness import Misfit, misfit
from driver.forensics.policies import POLICIES, Numbers

SURE = math.log(10)
"""A name is given when it explains the gaps ten times better than the runner-up."""
FEWEST = 8
"""Fewer gaps than that fit one policy or another by accident, however well."""
_SAME = 1e-3
_DRAWS = 40
_PROMPT_S = 1e-3


@dataclass(frozen=True)
class Naming:
    """The policies by how well they explain some gaps, the best first; `fits` is empty where there were no
    gaps.

    `more_attempts` says how many more such attempts would make the name sure; None: it is, or no number
    would. `misfit` says why even the best cannot have made the gaps; None: it can have.
    """

    fits: tuple[Fit, ...]
    gaps: int
    outages: int
    more_attempts: int | None = None
    misfit: Misfit | None = None

    @property
    def best(self) -> Fit | None:
        """The policy that explains the gaps best."""
        return self.fits[0] if self.fits else None

    @property
    def lead(self) -> float:
        """How far the best is before the runner-up, as a logarithm; 0 where there is nothing to compare."""
        return self.fits[0].score - self.fits[1].score if len(self.fits) > 1 else 0.0

    @property
    def sure(self) -> bool:
        """Whether the gaps can tell the best from all others, and the best can have made them."""
        return self.misfit is None and self.lead >= SURE and self.gaps >= FEWEST


def name_policy(gaps: Gaps) -> Naming:
    """Name the policy behind some gaps, with base and cap of its own."""
    gaps = sampled(gaps)
    if not len(gaps):
        return Naming((), 0, 0)
    return _ranked(gaps, [fit(policy, gaps) for policy in POLICIES.values()])


def name_among(gaps: Gaps, known: Iterable[Fit]) -> Naming:
    """The same with bases and caps that are known, from a whole fleet: so little as one worker's gaps
    suffice.
    """
    gaps = sampled(gaps)
    if not len(gaps):
        return Naming((), 0, 0)
    return _ranked(gaps, [fitted(one.policy, gaps, one.base_s, one.cap_s) for one in known])


def _ranked(gaps: Gaps, fits: list[Fit]) -> Naming:
    ranked = tuple(sorted(fits, key=lambda one: -one.score))
    told = Naming(ranked, len(gaps), gaps.outages, misfit=misfit(ranked[0], gaps))
    if told.sure or told.misfit:
        return told
    return Naming(ranked, len(gaps), gaps.outages, _more_attempts(gaps, told))


def _more_attempts(gaps: Gaps, told: Naming) -> int | None:
    """How many more attempts like these would tell the best from the runner-up, were the best the truth.

    That many do so five times of six: the lead then expected, less its standard deviation, is sure.
    """
    if told.lead >= SURE:
        return FEWEST - len(gaps)
    best, other = told.fits[:2]
    gains = _gains(gaps, best, other)
    mean, deviation = float(np.mean(gains)), float(np.std(gains))
    if mean < _SAME:
        return None
    root = (deviation + math.sqrt(deviation**2 + 4 * mean * (SURE - told.lead))) / (2 * mean)
    return math.ceil(root**2)


def _gains(gaps: Gaps, best: Fit, other: Fit) -> Numbers:
    """By how much each attempt that the best policy might draw sets it before the other."""
    many = pooled([gaps] * max(1, min(_DRAWS, MOST_GAPS // len(gaps))))
    random = np.random.default_rng(0)
    drawn = best.policy.draw_s(many.before, _number(best.base_s), _number(best.cap_s), random)
    many = replace(many, gap_s=drawn + _PROMPT_S)
    # What suits the few gaps there are need not suit more: the other may choose anew.
    gains: Numbers = _logs(best, many) - _logs(fit(other.policy, many), many)
    return gains


def _logs(one: Fit, gaps: Gaps) -> Numbers:
    base_s, cap_s = np.asarray(_number(one.base_s)), np.asarray(_number(one.cap_s))
    return log_density(one.policy, gaps.gap_s, gaps.before, base_s, cap_s)


def _number(length_s: float) -> float:
    return 0.0 if math.isnan(length_s) else length_s
