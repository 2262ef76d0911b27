"""The likelihood of a gap under a policy: the distribution of its delay, plus the lateness of a busy process.
Pure.

Lateness has the same distribution for all policies: mostly a few milliseconds, sometimes some tens. One gap
of a hundred may have any length (a paused process, a stolen core), so that no single gap excludes a policy.
"""

from __future__ import annotations

import math

import numpy as np

from driver.forensics.policies import Numbers, PriorAttempts, bounds
from wire.policies import ReconnectPolicy

EARLY_S = 0.002
"""Two lines of one instant may be written this far apart, in either order."""
PROMPT_SHARE, PROMPT_S, LATE_S = 0.85, 0.003, 0.025
STRAY_SHARE = 0.01
_STRAY_RANGE = math.log(1e6)
_NARROW_S = 1e-6


def log_density(
    policy: ReconnectPolicy, gap_s: Numbers, before: PriorAttempts, base_s: Numbers, cap_s: Numbers
) -> Numbers:
    """Return the logarithm of each gap's density (per second).

    Args:
        base_s, cap_s: one value, or a column of values, for a row of results each.
    """
    low, high = bounds(policy, before, base_s, cap_s)
    width = high - low
    piled = np.clip((high - policy.longest_s) / np.maximum(width, _NARROW_S), 0.0, 1.0)
    low, high = np.minimum(low, policy.longest_s), np.minimum(high, policy.longest_s)
    spread = (_late_at_most(gap_s - low) - _late_at_most(gap_s - high)) / np.maximum(width, _NARROW_S)
    if np.any(width <= _NARROW_S):
        spread = np.where(width <= _NARROW_S, _lateness(gap_s - low), spread)
    if np.any(piled > 0):
        spread = spread + np.where(width > _NARROW_S, piled * _lateness(gap_s - policy.longest_s), 0.0)
    stray = STRAY_SHARE / (np.maximum(gap_s, 1e-4) * _STRAY_RANGE)
    density: Numbers = np.log((1 - STRAY_SHARE) * spread + stray)
    return density


def _lateness(late_s: Numbers) -> Numbers:
    late = np.maximum(late_s + EARLY_S, 0.0)
    prompt = PROMPT_SHARE / PROMPT_S * np.exp(-late / PROMPT_S)
    density: Numbers = prompt + (1 - PROMPT_SHARE) / LATE_S * np.exp(-late / LATE_S)
    return np.where(late_s + EARLY_S >= 0, density, 0.0)


def _late_at_most(late_s: Numbers) -> Numbers:
    late = np.maximum(late_s + EARLY_S, 0.0)
    share: Numbers = 1 - PROMPT_SHARE * np.exp(-late / PROMPT_S) - (1 - PROMPT_SHARE) * np.exp(-late / LATE_S)
    return share
