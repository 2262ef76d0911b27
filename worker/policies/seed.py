"""What the system before this one did, fault and all: its jitter comes before the cap, so a herd piles up on
it.
"""

from __future__ import annotations

from random import Random

from worker.policies.policy import MAX_DOUBLINGS, Advice

FIRST_MS = 1_000.0
LONGEST_MS = 60_000.0
JITTER = 0.2


class Seed:
    """min(1 s · 2^(n-1) ± 20 %, 60 s): from the eighth attempt every delay is exactly 60 s."""

    def delay_ms(self, attempt: int, previous_ms: float, advice: Advice, random: Random) -> float:
        doubled = FIRST_MS * 2.0 ** min(attempt - 1, MAX_DOUBLINGS)
        return float(min(LONGEST_MS, doubled * random.uniform(1 - JITTER, 1 + JITTER)))
