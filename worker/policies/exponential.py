"""Doubling without jitter: fewer calls than fixed, and still all at once."""

from __future__ import annotations

from random import Random

from worker.policies.policy import Advice, doubled_ms


class Exponential:
    """base · 2^(n-1), at most the cap."""

    def delay_ms(self, attempt: int, previous_ms: float, advice: Advice, random: Random) -> float:
        return doubled_ms(attempt, advice)
