"""Ours: come when the coordinator said; until it said so, anywhere up to the time it needs to admit the whole
fleet.

How long a fleet needs to be back is set by the cap, since a client that sleeps hears no hint. fleet ÷
admission rate is the knee: shorter floods the coordinator, longer leaves it idle.
"""

from __future__ import annotations

from random import Random

from worker.policies.policy import Advice


class Slotted:
    """The slot where one was given, else uniform(0, cap)."""

    def delay_ms(self, attempt: int, previous_ms: float, advice: Advice, random: Random) -> float:
        if advice.slot_ms is not None:
            return advice.slot_ms
        return random.uniform(0, max(advice.base_ms, advice.cap_ms))
