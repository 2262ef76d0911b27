"""No waiting at all: what a naive client does, and what makes a storm."""

from __future__ import annotations

from random import Random

from worker.policies.policy import Advice


class NoWait:
    """Always 0."""

    def delay_ms(self, attempt: int, previous_ms: float, advice: Advice, random: Random) -> float:
        return 0.0
