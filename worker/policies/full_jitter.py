"""Anywhere up to the doubled delay (AWS, "Exponential Backoff and Jitter", 2015): spreads a herd best without
help.
"""

from __future__ import annotations

from random import Random

from worker.policies.policy import Advice, doubled_ms


class FullJitter:
    """uniform(0, t), where t is doubled and capped: the jitter comes after the cap, so nothing piles up
    there.
    """

    def delay_ms(self, attempt: int, previous_ms: float, advice: Advice, random: Random) -> float:
        return random.uniform(0, doubled_ms(attempt, advice))
