"""When a fleet's sessions came back, and how often they tried in vain."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Hashable


class Tally:
    """Who stands, since when, and each attempt in vain, in monotonic nanoseconds, from `mark` on."""

    def __init__(self) -> None:
        self.standing: dict[Hashable, int] = {}
        self.fails_ns: list[int] = []
        self._awaited = 0
        self._all_back = asyncio.Event()

    def mark(self) -> None:
        """The outage begins: nobody stands, and nothing failed."""
        self.standing, self.fails_ns = {}, []
        self._all_back.clear()

    def back(self, who: Hashable) -> None:
        """A session speaks over a connection."""
        self.standing.setdefault(who, time.monotonic_ns())
        if self._awaited and len(self.standing) >= self._awaited:
            self._all_back.set()

    def lost(self, who: Hashable) -> None:
        """A connection ended; being back once does not count for ever."""
        self.standing.pop(who, None)

    def failed(self) -> None:
        """An attempt to connect led to no session."""
        self.fails_ns.append(time.monotonic_ns())

    async def all_back(self, count: int, within_s: float) -> bool:
        """Wait until `count` stand at once; False when they do not in time."""
        self._awaited = count
        if len(self.standing) >= count:
            return True
        try:
            await asyncio.wait_for(self._all_back.wait(), within_s)
        except TimeoutError:
            return False
        return True
