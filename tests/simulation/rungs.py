"""Between what delays a reconnection policy must wait: the plain table that runs are compared with."""

from __future__ import annotations

from typing import Final

from wire.policies import POLICIES, Retry

SLACK: Final = 1e-6


def rung(
    policy: str, failures: int, previous_ms: float, base_ms: float, cap_ms: float
) -> tuple[float, float]:
    """Return (least, most) of the delay in ms without a slot, after a number of failures in a row (1, 2, …)
    since the last stable connection; `previous_ms` is the delay before.
    """
    doubled = min(cap_ms, base_ms * 2.0 ** min(failures - 1, 60))
    if policy == "none":
        return 0.0, 0.0
    if policy == "fixed":
        return base_ms, base_ms
    if policy == "exponential":
        return doubled, doubled
    if policy == "equal_jitter":
        return doubled / 2, doubled
    if policy == "full_jitter":
        return 0.0, doubled
    if policy == "decorrelated":
        low = min(base_ms, cap_ms)
        return low, max(low, min(cap_ms, 3 * max(previous_ms, low)))
    if policy == "seed":
        middle = 1_000.0 * 2.0 ** min(failures - 1, 60)
        return min(60_000.0, middle * 0.8), min(60_000.0, middle * 1.2)
    if policy == "websockets":
        later = min(90_000.0, 3_100.0 * 1.618 ** min(max(failures - 2, 0), 60))
        return (0.0, 5_000.0) if failures == 1 else (later, later)
    if policy == "slotted":
        return 0.0, max(base_ms, cap_ms)
    return _declared(policy, failures, previous_ms, base_ms, cap_ms)


def _declared(
    policy: str, failures: int, previous_ms: float, base_ms: float, cap_ms: float
) -> tuple[float, float]:
    """Return what the policy itself declares: a policy that is not in the table."""
    known = POLICIES[policy]
    least, most = (
        known.delay(Retry(failures, previous_ms, base_ms, cap_ms, 1_000.0, bound)) for bound in (_low, _high)
    )
    return min(known.longest_s * 1_000.0, least), min(known.longest_s * 1_000.0, most)


def _low(low: float, high: float) -> float:
    return low


def _high(low: float, high: float) -> float:
    return high


def is_on_rung(delay_ms: float, rungs: tuple[float, float]) -> bool:
    """Return whether a delay lies between these."""
    least, most = rungs
    return least - SLACK <= delay_ms <= most + SLACK
