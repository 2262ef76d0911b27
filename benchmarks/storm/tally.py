"""When a fleet's sessions came back, and how many attempts failed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Hashable


class Tally:
    """Connected sessions, since when, and each failed attempt, in monotonic nanoseconds, from `mark` on."""

    def __init__(self) -> None:
        self.connected: dict[Hashable, int] = {}
        self.fails_ns: list[int] = []
        self._awaited = 0
        self._all_back = asyncio.Event()

    def mark(self) -> None:
        """Begin the outage: no session is connected, and no attempt has failed."""
        self.connected, self.fails_ns = {}, []
        self._all_back.clear()

    def back(self, session: Hashable) -> None:
        """Record a session whose connection works."""
        self.connected.setdefault(session, time.monotonic_ns())
        if self._awaited and len(self.connected) >= self._awaited:
            self._all_back.set()

    def lost(self, session: Hashable) -> None:
        """Record that a session lost its connection."""
        self.connected.pop(session, None)

    def failed(self) -> None:
        """Record an attempt to connect that failed."""
        self.fails_ns.append(time.monotonic_ns())

    async def all_back(self, count: int, within_s: float) -> bool:
        """Wait until `count` are connected at once; return False after `within_s`."""
        self._awaited = count
        if len(self.connected) >= count:
            return True
        try:
            await asyncio.wait_for(self._all_back.wait(), within_s)
        except TimeoutError:
            return False
        return True
