"""Group commit: nothing is told before it is on the disk, and what comes meanwhile goes together."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Sequence

import pytest

from coordinator.committer import Committer
from coordinator.rows import Recovered, ResultRow, Row


class SlowDisk:
    """A store whose every transaction takes until it is let go."""

    def __init__(self) -> None:
        self.begun = threading.Semaphore(0)
        self.let_go = threading.Semaphore(0)
        self.batches: list[int] = []

    def commit(self, rows: list[Row]) -> None:
        self.batches.append(len(rows))
        self.begun.release()
        assert self.let_go.acquire(timeout=10)

    def load(self) -> Recovered:
        raise AssertionError("nobody loads here")

    def results_of(self, numbers: Sequence[int]) -> list[ResultRow]:
        raise AssertionError("nobody asks here")


class Desk:
    """A committer with its disk, the rows that wait for it, and what it told."""

    def __init__(self) -> None:
        self.disk = SlowDisk()
        self.waiting: list[Row] = []
        self.told: list[Row] = []
        self.committer = Committer(self.disk, self._take, self.told.extend)

    def decide(self) -> None:
        self.waiting.append(ResultRow(1, "task", 1, "worker-1", "completed", "", b"", 1, 0, 0, 0))
        self.committer.poke()

    def _take(self) -> list[Row]:
        rows, self.waiting = self.waiting, []
        return rows

    async def under_way(self) -> None:
        assert await asyncio.to_thread(self.disk.begun.acquire, timeout=10)


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    made = Desk()
    running = asyncio.create_task(made.committer.run())
    yield made
    made.disk.let_go.release(100)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_nothing_is_told_before_it_is_on_the_disk(desk: Desk) -> None:
    desk.decide()
    durable = asyncio.create_task(desk.committer.durable())
    await desk.under_way()
    assert desk.told == []
    assert not durable.done()
    desk.disk.let_go.release(2)
    await asyncio.wait_for(durable, 10)
    assert len(desk.told) == 1


async def test_what_is_decided_during_a_transaction_goes_together_into_the_next(desk: Desk) -> None:
    desk.decide()
    await desk.under_way()
    for _ in range(5):
        desk.decide()
    desk.disk.let_go.release()
    await desk.under_way()
    assert desk.disk.batches == [1, 5]
    assert len(desk.told) == 1
