"""Half the doubled delay for certain, half at random (AWS, "Exponential Backoff and Jitter", 2015)."""

from __future__ import annotations

from random import Random

from worker.policies.policy import Advice, doubled_ms


class EqualJitter:
    """t/2 + uniform(0, t/2), where t is doubled and capped."""

    def delay_ms(self, attempt: int, previous_ms: float, advice: Advice, random: Random) -> float:
        half = doubled_ms(attempt, advice) / 2
        return half + random.uniform(0, half)
