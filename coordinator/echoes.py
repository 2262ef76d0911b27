"""The echo that the prober asks for at the coordinator's end of a link. No session, no key, no worker, and so
no more than a share of the coordinator.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from functools import partial
from typing import Final

from websockets.exceptions import ConnectionClosed

from coordinator.bucket import Bucket
from coordinator.link import Link
from coordinator.probe import BYTES_MAX, echo

FEWEST: Final = 64
PER_LINK: Final = 2
"""A link's echo, and the one before it, whose end a fault may hide from the coordinator for a while."""
QUIET_S: Final = 10.0
"""An echo that was asked for nothing in so long makes room for a new one when all are taken."""
ALL_PER_S: Final = 5_000
"""Messages of all echoes together. The prober's own ceilings are far below."""
PAUSE_S: Final = 0.02
"""How long each message waits while all together are too many."""
TURN: Final = 8
"""After so many messages of echoes, others have their turn."""


class Echoes:
    """All echo connections, each with the time at which it was last asked for something (monotonic).

    There is room for those of `links` links, each of which the prober watches.
    """

    def __init__(self, links: int = 0) -> None:
        self._most = max(FEWEST, PER_LINK * links)
        self._asked_s: dict[Link, float] = {}
        self._count = 0
        self._all = Bucket(ALL_PER_S, ALL_PER_S)

    def __len__(self) -> int:
        return len(self._asked_s)

    def admit(self, link: Link, now_s: float) -> bool:
        """Whether there is room for another one; the quietest makes room where it was quiet for long."""
        if len(self._asked_s) >= self._most:
            quietest = min(self._asked_s, key=lambda other: self._asked_s[other])
            if now_s - self._asked_s[quietest] < QUIET_S:
                return False
            del self._asked_s[quietest]
            quietest.drop("quiet_probe")
        # A message is refused before it is taken in, whatever its fragments.
        link.protocol.max_message_size = BYTES_MAX
        self._asked_s[link] = now_s
        link.on_lost = partial(self._asked_s.pop, link, None)
        return True

    async def serve(self, link: Link) -> None:
        """Answer an echo's messages until its connection ends."""
        with suppress(ConnectionClosed):
            await echo(link, partial(self._taken, link))

    async def _taken(self, link: Link) -> None:
        """A message came: note when, and let others have their turn."""
        if link in self._asked_s:
            self._asked_s[link] = time.monotonic()
        self._count += 1
        if not self._all.take(time.monotonic_ns()):
            await asyncio.sleep(PAUSE_S)
        elif self._count % TURN == 0:
            await asyncio.sleep(0)
