"""Identifies the policy that produced some gaps: the best fit of each policy, and whether the gaps
distinguish them. Pure.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

import numpy as np

from driver.forensics.fit import Fit, fit, fitted
from driver.forensics.gaps import MAX_GAPS, RetryGaps, pooled, sampled
from driver.forensics.goodness import Misfit, misfit
from driver.forensics.likelihood import log_density
from driver.forensics.policies import Numbers, draw_s
from driver.forensics.words import Words
from wire.policies import POLICIES, ReconnectPolicy

MIN_LEAD = math.log(10)
"""A policy is identified when the gaps are ten times likelier under it than under the second."""
OWN = ("seed", "slotted")
"""Policies of the reference system: its first one, and the one that follows the slots of its server."""
MIN_GAPS = 8
"""Fewer gaps fit some policy by chance."""
_SAME = 1e-3
_DRAWS = 40
_PROMPT_S = 1e-3


@dataclass(frozen=True)
class PolicyIdentification:
    """The fits of all policies, the best first; none without gaps.

    `more_attempts` is how many more such attempts would identify the policy; None: it is identified, or no
    number would. `misfit` says why even the best cannot have produced the gaps; None: it can.
    """

    fits: tuple[Fit, ...]
    gaps: int
    outages: int
    more_attempts: int | None = None
    misfit: Misfit | None = None

    @property
    def best(self) -> Fit | None:
        """The best fit, or None."""
        return self.fits[0] if self.fits else None

    @property
    def lead(self) -> float:
        """The difference of the two best scores; 0 with fewer than two."""
        return self.fits[0].score - self.fits[1].score if len(self.fits) > 1 else 0.0

    @property
    def sure(self) -> bool:
        """Whether the best policy is identified: it fits, and leads by MIN_LEAD."""
        return self.misfit is None and self.lead >= MIN_LEAD and self.gaps >= MIN_GAPS


def policies_for(words: Words) -> list[ReconnectPolicy]:
    """Return the policies that a system's clients may have."""
    return [one for one in POLICIES.values() if words.has_slots or one.name not in OWN]


def identify_policy(
    gaps: RetryGaps, policies: Collection[ReconnectPolicy] = tuple(POLICIES.values())
) -> PolicyIdentification:
    """Identify the policy of some gaps among these, with base and cap as free parameters."""
    gaps = sampled(gaps)
    if not len(gaps):
        return PolicyIdentification((), 0, 0)
    return _ranked(gaps, [fit(policy, gaps) for policy in policies])


def identify_among(gaps: RetryGaps, known: Iterable[Fit]) -> PolicyIdentification:
    """Identify the policy of some gaps with known bases and caps (a fleet's): the gaps of one client
    suffice.
    """
    gaps = sampled(gaps)
    if not len(gaps):
        return PolicyIdentification((), 0, 0)
    return _ranked(gaps, [fitted(one.policy, gaps, one.base_s, one.cap_s) for one in known])


def _ranked(gaps: RetryGaps, fits: list[Fit]) -> PolicyIdentification:
    ranked = tuple(sorted(fits, key=lambda one: -one.score))
    told = PolicyIdentification(ranked, len(gaps), gaps.outages, misfit=misfit(ranked[0], gaps))
    if told.sure or told.misfit:
        return told
    return PolicyIdentification(ranked, len(gaps), gaps.outages, _more_attempts(gaps, told))


def _more_attempts(gaps: RetryGaps, told: PolicyIdentification) -> int | None:
    """Return how many more such attempts would identify the best policy, if it is the true one.

    They do so with a probability of about 5/6: the expected lead minus its standard deviation reaches
    MIN_LEAD.
    """
    if told.lead >= MIN_LEAD:
        return MIN_GAPS - len(gaps)
    best, other = told.fits[:2]
    gains = _gains(gaps, best, other)
    mean, deviation = float(np.mean(gains)), float(np.std(gains))
    if mean < _SAME:
        return None
    root = (deviation + math.sqrt(deviation**2 + 4 * mean * (MIN_LEAD - told.lead))) / (2 * mean)
    return math.ceil(root**2)


def _gains(gaps: RetryGaps, best: Fit, other: Fit) -> Numbers:
    """Return by how much each simulated attempt of the best policy increases its lead over the other."""
    many = pooled([gaps] * max(1, min(_DRAWS, MAX_GAPS // len(gaps))))
    random = np.random.default_rng(0)
    drawn = draw_s(best.policy, many.before, _number(best.base_s), _number(best.cap_s), random)
    many = replace(many, gap_s=drawn + _PROMPT_S)
    # The other policy is fitted again, since the parameters for few gaps need not fit more.
    gains: Numbers = _logs(best, many) - _logs(fit(other.policy, many), many)
    return gains


def _logs(one: Fit, gaps: RetryGaps) -> Numbers:
    base_s, cap_s = np.asarray(_number(one.base_s)), np.asarray(_number(one.cap_s))
    return log_density(one.policy, gaps.gap_s, gaps.before, base_s, cap_s)


def _number(length_s: float) -> float:
    return 0.0 if math.isnan(length_s) else length_s
