"""The distribution of each policy's delays.

Every delay is uniform between two bounds (equal without jitter), and a delay above the policy's longest one
is cut to it. So one entry serves both for the likelihood of a gap and for a simulation. worker/policies.py
has the policies that workers use; a test compares the two.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
Bounds = tuple[Numbers, Numbers]
MAX_DOUBLINGS = 60


@dataclass(frozen=True)
class PriorAttempts:
    """What each delay depends on.

    `number` counts attempts since the last stable connection, from 1; `previous_s` is the previous delay (0:
    none); `slot_s` is the coordinator's slot (nan: none).
    """

    number: Numbers
    previous_s: Numbers
    slot_s: Numbers


@dataclass(frozen=True)
class PolicyModel:
    """The model of a policy. `parameters` are those of base and cap on which its delays depend.

    `twin` has the same delays where base equals cap, without a slot. `grows` is the least ratio of cap to
    base: below it the delays are those of another policy. `spreads`: jitter or slots keep workers apart that
    were disconnected together.
    """

    name: str
    parameters: tuple[str, ...]
    says: str
    bounds: Callable[[PriorAttempts, Numbers, Numbers], Bounds]
    longest_s: float = math.inf
    twin: str = ""
    grows: float = 1.25
    spreads: bool = True

    def draw_s(
        self, before: PriorAttempts, base_s: float, cap_s: float, random: np.random.Generator
    ) -> Numbers:
        """Return a delay for each entry, in seconds."""
        low, high = self.bounds(before, np.asarray(base_s), np.asarray(cap_s))
        drawn: Numbers = np.minimum(self.longest_s, low + (high - low) * random.random(before.number.shape))
        return drawn


def _doubled(before: PriorAttempts, base_s: Numbers, cap_s: Numbers) -> Numbers:
    doubled: Numbers = np.minimum(cap_s, base_s * 2.0 ** np.minimum(before.number - 1, MAX_DOUBLINGS))
    return doubled


def _none(before: PriorAttempts, base_s: Numbers, cap_s: Numbers) -> Bounds:
    return _same(0.0 * before.number)


def _fixed(before: PriorAttempts, base_s: Numbers, cap_s: Numbers) -> Bounds:
    return _same(base_s + 0.0 * before.number)


def _exponential(before: PriorAttempts, base_s: Numbers, cap_s: Numbers) -> Bounds:
    return _same(_doubled(before, base_s, cap_s))


def _equal_jitter(before: PriorAttempts, base_s: Numbers, cap_s: Numbers) -> Bounds:
    high = _doubled(before, base_s, cap_s)
    return high / 2, high


def _full_jitter(before: PriorAttempts, base_s: Numbers, cap_s: Numbers) -> Bounds:
    high = _doubled(before, base_s, cap_s)
    return 0.0 * high, high


def _decorrelated(before: PriorAttempts, base_s: Numbers, cap_s: Numbers) -> Bounds:
    low = np.minimum(base_s, cap_s) + 0.0 * before.previous_s
    return low, np.maximum(low, np.minimum(cap_s, 3 * np.maximum(before.previous_s, low)))


def _websockets(before: PriorAttempts, base_s: Numbers, cap_s: Numbers) -> Bounds:
    # websockets 17, client.py, `backoff`: its own constants.
    later = np.minimum(90.0, 3.1 * 1.618 ** np.clip(before.number - 2, 0, MAX_DOUBLINGS))
    first = before.number == 1
    return np.where(first, 0.0, later), np.where(first, 5.0, later)


def _seed(before: PriorAttempts, base_s: Numbers, cap_s: Numbers) -> Bounds:
    doubled = 2.0 ** np.minimum(before.number - 1, MAX_DOUBLINGS)
    return 0.8 * doubled, 1.2 * doubled


def _slotted(before: PriorAttempts, base_s: Numbers, cap_s: Numbers) -> Bounds:
    given = ~np.isnan(before.slot_s)
    return np.where(given, before.slot_s, 0.0), np.where(given, before.slot_s, np.maximum(base_s, cap_s))


def _same(delay: Numbers) -> Bounds:
    return delay, delay


BASE, CAP = "base", "cap"
POLICIES: dict[str, PolicyModel] = {
    policy.name: policy
    for policy in (
        PolicyModel("none", (), "at once", _none, spreads=False),
        PolicyModel("fixed", (BASE,), "always the base", _fixed, twin="exponential", spreads=False),
        PolicyModel(
            "exponential", (BASE, CAP), "the base, doubled up to the cap", _exponential, spreads=False
        ),
        PolicyModel("equal_jitter", (BASE, CAP), "the upper half of the doubled base", _equal_jitter),
        PolicyModel("full_jitter", (BASE, CAP), "anywhere up to the doubled base", _full_jitter),
        PolicyModel(
            "decorrelated",
            (BASE, CAP),
            "from the base to three times the last delay",
            _decorrelated,
            grows=3.75,
        ),
        PolicyModel("websockets", (), "up to 5 s, then 3.1 s times 1.618 each time", _websockets),
        PolicyModel("seed", (), "1 s doubled, 20 % either way, at most 60 s", _seed, longest_s=60.0),
        PolicyModel(
            "slotted",
            (CAP,),
            "the coordinator's slot, else anywhere up to the cap",
            _slotted,
            twin="full_jitter",
        ),
    )
}
