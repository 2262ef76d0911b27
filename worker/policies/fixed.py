"""The same delay each time: clients that were cut off together come back together."""

from __future__ import annotations

from random import Random

from worker.policies.policy import Advice


class Fixed:
    """Always the base."""

    def delay_ms(self, attempt: int, previous_ms: float, advice: Advice, random: Random) -> float:
        return float(advice.base_ms)
