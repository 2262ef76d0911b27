"""Echo connections of the prober at the coordinator's end of a link. They need no session and no key, so they
are limited to a share of the coordinator.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from functools import partial
from typing import Final

from websockets.exceptions import ConnectionClosed

from coordinator.probe import echo
from coordinator.token_bucket import TokenBucket
from coordinator.transport import ClientTransport
from wire.probe import BYTES_MAX
from wire.probe_stream import ProbeStream, end_kind

FEWEST: Final = 64
PER_LINK: Final = 2
"""A transport's echo, and the one before it, whose end a fault may hide from the coordinator for a while."""
QUIET_S: Final = 10.0
"""An echo without a message for this long makes room for a new one when all are taken."""
ALL_PER_S: Final = 5_000
"""Messages of all echoes together. The prober's own limits are far below."""
PAUSE_S: Final = 0.02
"""Delay of each message while all together exceed ALL_PER_S."""
TURN: Final = 8
"""Messages of echoes after which other tasks of the loop run."""


class ProbeEchoes:
    """All echo connections, each with the time of its last message (monotonic).

    `record` gets each connection that ended and how, at most as many a second as there may be at once.
    """

    def __init__(self, record: Callable[[ProbeStream, str], None], links: int = 0) -> None:
        self._record = record
        self._limit = max(FEWEST, PER_LINK * links)
        self._last_message_s: dict[ClientTransport, float] = {}
        self._count = 0
        self._all = TokenBucket(ALL_PER_S, ALL_PER_S)
        self._records = TokenBucket(self._limit, self._limit)

    def __len__(self) -> int:
        return len(self._last_message_s)

    def admit(self, transport: ClientTransport, now_s: float) -> bool:
        """Return whether there is room for another connection. The quietest one makes room where it was quiet
        for QUIET_S.
        """
        if len(self._last_message_s) >= self._limit:
            quietest = min(self._last_message_s, key=lambda other: self._last_message_s[other])
            if now_s - self._last_message_s[quietest] < QUIET_S:
                return False
            del self._last_message_s[quietest]
            quietest.drop("quiet_probe")
        # A message beyond the limit is refused before it is read in, whatever its fragments.
        transport.protocol.max_message_size = BYTES_MAX
        self._last_message_s[transport] = now_s
        transport.on_lost = partial(self._last_message_s.pop, transport, None)
        return True

    async def serve(self, transport: ClientTransport) -> None:
        """Answer messages until the connection ends, and record its end."""
        how = "closed"
        try:
            await echo(transport, partial(self._taken, transport))
        except ConnectionClosed as closed:
            was_closed = closed.rcvd is not None or transport.was_dropped
            how = end_kind(was_closed=was_closed, cause=closed.__cause__)
        if self._records.take(time.monotonic_ns()):
            self._record(transport.probe_stream, how)

    async def _taken(self, transport: ClientTransport) -> None:
        """Record the time of a message, and yield to other tasks of the loop."""
        if transport in self._last_message_s:
            self._last_message_s[transport] = time.monotonic()
        transport.probe_stream.on_message(time.monotonic_ns())
        self._count += 1
        if not self._all.take(time.monotonic_ns()):
            await asyncio.sleep(PAUSE_S)
        elif self._count % TURN == 0:
            await asyncio.sleep(0)
