"""The reconnection policies that forensics knows: one entry each says what a delay is drawn from.

Every delay of every policy is drawn evenly between two bounds (which coincide where nothing is left to
chance), and what exceeds the policy's longest delay piles up on that. So one entry serves both ways: how
likely a gap is, and what the policy would have drawn. The shipped policies stand in the worker's own
package; a test holds that both agree.
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
class Before:
    """What is known before delays are drawn: an entry for each.

    `number` counts attempts since all was well, from 1. `previous_s` is the delay before (0: there was
    none), `slot_s` what the coordinator gave (not a number: nothing).
    """

    number: Numbers
    previous_s: Numbers
    slot_s: Numbers


@dataclass(frozen=True)
class Policy:
    """One entry of the catalogue. `parameters` are those of base and cap that its delays depend on.

    `twin` draws the very same delays where its base is its cap, and no slot was given. `grows` is the least
    ratio of cap to base: below it the delays do not grow, so that they are another policy's. `spreads`:
    chance or the coordinator keeps workers apart that were cut off together.
    """

    name: str
    parameters: tuple[str, ...]
    says: str
    bounds: Callable[[Before, Numbers, Numbers], Bounds]
    longest_s: float = math.inf
    twin: str = ""
    grows: float = 1.25
    spreads: bool = True

    def draw_s(self, before: Before, base_s: float, cap_s: float, random: np.random.Generator) -> Numbers:
        """A delay for each entry, in seconds."""
        low, high = self.bounds(before, np.asarray(base_s), np.asarray(cap_s))
        drawn: Numbers = np.minimum(self.longest_s, low + (high - low) * random.random(before.number.shape))
        return drawn


def _doubled(before: Before, base_s: Numbers, cap_s: Numbers) -> Numbers:
    doubled: Numbers = np.minimum(cap_s, base_s * 2.0 ** np.minimum(before.number - 1, MAX_DOUBLINGS))
    return doubled


def _none(before: Before, base_s: Numbers, cap_s: Numbers) -> Bounds:
    return _same(0.0 * before.number)


def _fixed(before: Before, base_s: Numbers, cap_s: Numbers) -> Bounds:
    return _same(base_s + 0.0 * before.number)


def _exponential(before: Before, base_s: Numbers, cap_s: Numbers) -> Bounds:
    return _same(_doubled(before, base_s, cap_s))


def _equal_jitter(before: Before, base_s: Numbers, cap_s: Numbers) -> Bounds:
    high = _doubled(before, base_s, cap_s)
    return high / 2, high


def _full_jitter(before: Before, base_s: Numbers, cap_s: Numbers) -> Bounds:
    high = _doubled(before, base_s, cap_s)
    return 0.0 * high, high


def _decorrelated(before: Before, base_s: Numbers, cap_s: Numbers) -> Bounds:
    low = np.minimum(base_s, cap_s) + 0.0 * before.previous_s
    return low, np.maximum(low, np.minimum(cap_s, 3 * np.maximum(before.previous_s, low)))


def _websockets(before: Before, base_s: Numbers, cap_s: Numbers) -> Bounds:
    # websockets 17, client.py, `backoff`: its own constants.
    later = np.minimum(90.0, 3.1 * 1.618 ** np.clip(before.number - 2, 0, MAX_DOUBLINGS))
    first = before.number == 1
    return np.where(first, 0.0, later), np.where(first, 5.0, later)


def _seed(before: Before, base_s: Numbers, cap_s: Numbers) -> Bounds:
    doubled = 2.0 ** np.minimum(before.number - 1, MAX_DOUBLINGS)
    return 0.8 * doubled, 1.2 * doubled


def _slotted(before: Before, base_s: Numbers, cap_s: Numbers) -> Bounds:
    given = ~np.isnan(before.slot_s)
    return np.where(given, before.slot_s, 0.0), np.where(given, before.slot_s, np.maximum(base_s, cap_s))


def _same(delay: Numbers) -> Bounds:
    return delay, delay


BASE, CAP = "base", "cap"
POLICIES: dict[str, Policy] = {
    policy.name: policy
    for policy in (
        Policy("none", (), "at once", _none, spreads=False),
        Policy("fixed", (BASE,), "always the base", _fixed, twin="exponential", spreads=False),
        Policy("exponential", (BASE, CAP), "the base, doubled up to the cap", _exponential, spreads=False),
        Policy("equal_jitter", (BASE, CAP), "the upper half of the doubled base", _equal_jitter),
        Policy("full_jitter", (BASE, CAP), "anywhere up to the doubled base", _full_jitter),
        Policy(
            "decorrelated",
            (BASE, CAP),
            "from the base to three times the last delay",
            _decorrelated,
            grows=3.75,
        ),
        Policy("websockets", (), "up to 5 s, then 3.1 s times 1.618 each time", _websockets),
        Policy("seed", (), "1 s doubled, 20 % either way, at most 60 s", _seed, longest_s=60.0),
        Policy(
            "slotted",
            (CAP,),
            "the coordinator's slot, else anywhere up to the cap",
            _slotted,
            twin="full_jitter",
        ),
    )
}
