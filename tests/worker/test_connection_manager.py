"""Claims about the order of what leaves a worker, and when it leaves."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import cast

from tests.waiting import loop_turns
from wire.channel import Channel
from wire.codec import FrameDecoder, FrameEncoder, FrameLimits
from wire.messages import Frame
from worker.connection import CoordinatorConnection
from worker.connection_manager import ConnectionEnvironment, ConnectionManager, _OpenConnection
from worker.core import WorkerCore
from worker.traffic import TrafficCounters


class FakeCore:
    """A core with three frames to send."""

    connection = 1

    def __init__(self, order: list[str]) -> None:
        self._order = order
        self._frames: Iterator[Frame] = iter([Frame(0, 0, [])] * 3)

    def take_frame(self, now_ns: int) -> Frame | None:
        self._order.append("decided")
        return next(self._frames, None)


class FakeLink:
    """A connection whose socket is full after `room` messages, until it is `emptied`."""

    def __init__(self, order: list[str], room: int = 10) -> None:
        self._order = order
        self._room = room
        self.is_open = True
        self.emptied = asyncio.Event()

    @property
    def paused(self) -> bool:
        return self._room == 0

    def can_send(self) -> bool:
        return self.is_open

    def send_now(self, data: bytes) -> None:
        self._order.append("sent")
        self._room -= 1

    async def drain(self) -> None:
        await self.emptied.wait()
        self._room = 10


class Desk:
    """One connection of a worker, and what happened at it in which order."""

    def __init__(self, room: int = 10) -> None:
        self.order: list[str] = []
        self.link = FakeLink(self.order, room)
        environment = ConnectionEnvironment(
            "", b"", True, lambda effects: None, asyncio.ensure_future, lambda: self.order.append("journaled")
        )
        self.sockets = ConnectionManager(
            cast(WorkerCore, FakeCore(self.order)), TrafficCounters(Channel()), environment
        )
        self.sockets._open[1] = _OpenConnection(
            cast(CoordinatorConnection, self.link), FrameDecoder(b"k", FrameLimits()), FrameEncoder(b"k")
        )

    async def wake(self, times: int = 1) -> None:
        for _ in range(times):
            self.sockets.wake()
        await loop_turns()


SENT = ["decided", "journaled", "sent"]


async def test_the_journal_is_written_out_before_each_frame_that_leaves() -> None:
    desk = Desk()
    await desk.wake()
    assert desk.order == [*SENT * 3, "decided"]


async def test_what_a_full_socket_has_no_room_for_is_decided_once_it_has() -> None:
    desk = Desk(room=1)
    await desk.wake(2)
    await desk.wake()
    assert desk.order == SENT
    desk.link.emptied.set()
    await desk.wake(0)
    assert desk.order == [*SENT * 3, "decided"]


async def test_nothing_is_taken_for_a_connection_that_closes() -> None:
    desk = Desk()
    desk.link.is_open = False
    await desk.wake()
    assert desk.order == []
