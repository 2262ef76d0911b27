"""Each delay is drawn from the one before (AWS, "Exponential Backoff and Jitter", 2015), with the cap inside
the draw.

AWS published min(cap, uniform(base, 3 · previous)), which puts two thirds of the delays exactly on the cap
once it is reached; capping the bound and not the outcome keeps them spread.
"""

from __future__ import annotations

from random import Random

from worker.policies.policy import Advice


class Decorrelated:
    """uniform(base, min(cap, 3 · previous)), starting from the base."""

    def delay_ms(self, attempt: int, previous_ms: float, advice: Advice, random: Random) -> float:
        low = min(advice.base_ms, advice.cap_ms)
        return random.uniform(low, max(low, min(advice.cap_ms, 3 * max(previous_ms, low))))
