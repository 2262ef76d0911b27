"""What `async for … in websockets.connect()` does (websockets 17, client.py, `backoff`), with its own
constants.
"""

from __future__ import annotations

from random import Random

from worker.policies.policy import MAX_DOUBLINGS, Advice

FIRST_MS = 5_000.0
THEN_MS = 3_100.0
FACTOR = 1.618
LONGEST_MS = 90_000.0


class WebsocketsLibrary:
    """First uniform(0, 5 s), then 3.1 s · 1.618ⁿ without jitter, at most 90 s."""

    def delay_ms(self, attempt: int, previous_ms: float, advice: Advice, random: Random) -> float:
        if attempt == 1:
            return random.uniform(0, FIRST_MS)
        return float(min(LONGEST_MS, THEN_MS * FACTOR ** min(attempt - 2, MAX_DOUBLINGS)))
