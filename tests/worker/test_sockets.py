"""Claims about the order of what leaves a worker."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import cast

from websockets.exceptions import ConnectionClosedError

from wire.channel import Channel
from wire.codec import Limits, Opener, Sealer
from wire.messages import Frame
from worker.connection import Link
from worker.core import Core
from worker.sockets import Sockets, Surroundings, _Socket
from worker.traffic import Traffic


class FakeCore:
    """A core with three frames to send."""

    connection = 1

    def __init__(self, order: list[str]) -> None:
        self._order = order
        self._frames: Iterator[Frame | None] = iter([*[Frame(0, 0, [])] * 3, None])

    def take_frame(self, now_ns: int) -> Frame | None:
        self._order.append("decided")
        return next(self._frames)


class FakeLink:
    """A connection that takes three messages and ends."""

    def __init__(self, order: list[str]) -> None:
        self._order = order

    async def send(self, data: bytes) -> None:
        self._order.append("sent")
        if self._order.count("sent") == 3:
            raise ConnectionClosedError(None, None)


async def test_the_journal_is_written_out_before_each_frame_that_leaves() -> None:
    order: list[str] = []
    around = Surroundings(
        "", b"", True, lambda effects: None, asyncio.ensure_future, lambda: order.append("journaled")
    )
    sockets = Sockets(cast(Core, FakeCore(order)), Traffic(Channel()), around)
    socket = _Socket(cast(Link, FakeLink(order)), Opener(b"k", Limits()), Sealer(b"k"))
    socket.wake.set()
    await sockets._write(1, socket)
    assert order == ["decided", "journaled", "sent"] * 3
