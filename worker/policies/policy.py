"""What a reconnection policy is: one pure function from how often it failed to how long to wait."""

from __future__ import annotations

from random import Random
from typing import Protocol

import msgspec

MAX_DOUBLINGS = 60


class Advice(msgspec.Struct, frozen=True):
    """What bounds the waiting: first and longest delay, and the slot that the coordinator gave, if it gave
    one.

    `slot_ms` is from now; it comes from Retry-After or GoAway.
    """

    base_ms: float
    cap_ms: float
    slot_ms: float | None = None


class Policy(Protocol):
    """One entry of the catalogue."""

    def delay_ms(self, attempt: int, previous_ms: float, advice: Advice, random: Random) -> float:
        """How long to wait before attempt number `attempt` (1, 2, … since all was well).

        `previous_ms` is the delay before the last one (0 before the first).
        """
        ...


def doubled_ms(attempt: int, advice: Advice) -> float:
    """The base doubled with each attempt, up to the cap. The exponent is bounded: nobody waits 2¹⁰⁰⁰⁰ ms."""
    return float(min(advice.cap_ms, advice.base_ms * 2.0 ** min(attempt - 1, MAX_DOUBLINGS)))
