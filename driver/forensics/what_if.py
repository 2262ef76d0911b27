"""The storms of a run under every policy: how soon all are back, and at which peak of attempts. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from driver.forensics.policies import Numbers
from driver.forensics.storm_model import StormModel
from driver.forensics.storm_simulation import PolicySetting, SimulatedStorm, simulate
from wire.policies import POLICIES

MOST_DRAWS, FEWEST_DRAWS = 200, 20
WORK = 16_000
"""How many outages are drawn for each policy, over all storms and draws."""
SHARES = (0.5, 0.95, 1.0)


@dataclass(frozen=True)
class Range:
    """The mean, and the 5th and 95th percentile of the draws."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class PolicyOutcome:
    """The outcome of one policy, over the worst storm of each draw: seconds from the heal until 50 %, 95 %
    and all are back. `at_once` is the most attempts of any tenth of a second after the heal.
    """

    chosen: PolicySetting
    back_s: tuple[Range, Range, Range]
    peak_per_s: Range
    at_once: Range
    attempts_each: Range

    @property
    def name(self) -> str:
        """The policy's name."""
        return self.chosen.policy.name

    @property
    def all_back_s(self) -> Range:
        """The time until all are back."""
        return self.back_s[-1]


def what_if(
    told: Sequence[StormModel],
    as_it_was: PolicySetting,
    base_s: float,
    cap_s: float,
    more: Sequence[PolicySetting] = (),
) -> list[PolicyOutcome]:
    """Return an outcome for each policy, in the order of POLICIES, and for `more`; `as_it_was` keeps
    its own base and cap.
    """
    if not told:
        return []
    outages = sum(len(scene) for scene in told)
    draws = min(MOST_DRAWS, max(FEWEST_DRAWS, WORK // outages))
    every = [
        as_it_was if policy is as_it_was.policy else PolicySetting(policy, base_s, cap_s)
        for policy in POLICIES.values()
    ]
    return [
        _row(chosen, told, [simulate(scene, chosen, draws) for scene in told]) for chosen in (*every, *more)
    ]


def _row(
    chosen: PolicySetting, told: Sequence[StormModel], played: Sequence[SimulatedStorm]
) -> PolicyOutcome:
    back = [_worst([_share_back(one.back_s, share) for one in played]) for share in SHARES]
    each = _worst([one.attempts / len(scene) for scene, one in zip(told, played, strict=True)])
    return PolicyOutcome(
        chosen,
        (_range(back[0]), _range(back[1]), _range(back[2])),
        _range(_worst([one.peak_per_s for one in played])),
        _range(_worst([one.at_once for one in played])),
        _range(each),
    )


def _share_back(back_s: Numbers, share: float) -> Numbers:
    ordered: Numbers = np.sort(back_s, axis=1)[:, math.ceil(back_s.shape[1] * share) - 1]
    return ordered


def _worst(each: Sequence[Numbers]) -> Numbers:
    worst: Numbers = np.max(np.stack(each), axis=0)
    return worst


def _range(draws: Numbers) -> Range:
    low, high = np.quantile(draws, (0.05, 0.95)).tolist()
    return Range(float(np.mean(draws)), low, high)
