"""A token bucket: a burst, and a rate in the long run."""

from __future__ import annotations

NS = 1_000_000_000


class TokenBucket:
    """The generic cell rate algorithm (ITU-T I.371): one number instead of a level and a time."""

    __slots__ = ("_booked_ns", "_burst_ns", "_step_ns")

    def __init__(self, rate_per_s: float, burst: int) -> None:
        assert rate_per_s > 0
        assert burst >= 1
        self._step_ns = max(1, int(NS / rate_per_s))
        self._burst_ns = self._step_ns * burst
        self._booked_ns = 0

    def take(self, now_ns: int, amount: int = 1) -> bool:
        """Take `amount` tokens and return True; return False, and take none, where there are fewer."""
        booked_ns = max(self._booked_ns, now_ns) + amount * self._step_ns
        if booked_ns - now_ns > self._burst_ns:
            return False
        self._booked_ns = booked_ns
        return True
