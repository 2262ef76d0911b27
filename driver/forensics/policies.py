"""The distribution of a policy's delays, for many attempts at once, from the formula in wire/policies.py.

Every delay is uniform between two bounds (equal without jitter), and a delay above the policy's longest one
is cut to it. So the bounds serve both for the likelihood of a gap and for a simulation.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wire.policies import Number, ReconnectPolicy, Retry

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class PriorAttempts:
    """What each delay depends on.

    `number` counts attempts since the last stable connection, from 1; `previous_s` is the previous delay (0:
    none); `slot_s` is the server's slot (nan: none).
    """

    number: Numbers
    previous_s: Numbers
    slot_s: Numbers


def bounds(
    policy: ReconnectPolicy, before: PriorAttempts, base_s: Numbers, cap_s: Numbers
) -> tuple[Numbers, Numbers]:
    """Return the least and the largest delay of each entry, in seconds, before it is cut to the longest one.

    Args:
        base_s, cap_s: one value, or a column of values, for a row of results each.
    """

    def bound(uniform: Callable[[Number, Number], Number]) -> Numbers:
        retry = Retry(
            *(before.number, before.previous_s, base_s, cap_s, 1.0, uniform),
            least=np.minimum,
            most=np.maximum,
            choose=np.where,
        )
        delay_s = policy.delay(retry)
        if policy.takes_slot:
            delay_s = np.where(np.isnan(before.slot_s), delay_s, before.slot_s)
        shape = np.broadcast_shapes(np.shape(delay_s), before.number.shape)
        return np.broadcast_to(np.asarray(delay_s, dtype=np.float64), shape)

    return bound(lambda low, high: low), bound(lambda low, high: high)


def draw_s(
    policy: ReconnectPolicy,
    before: PriorAttempts,
    base_s: float,
    cap_s: float,
    random: np.random.Generator,
) -> Numbers:
    """Return a delay for each entry, in seconds."""
    low, high = bounds(policy, before, np.asarray(base_s), np.asarray(cap_s))
    drawn: Numbers = np.minimum(policy.longest_s, low + (high - low) * random.random(before.number.shape))
    return drawn
