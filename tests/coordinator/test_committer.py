"""Group commit: no answer is sent before it is durable, and rows that arrive meanwhile share a
transaction.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from coordinator.committer import ASKED_AT_ONCE, LINGER_S, Committer
from coordinator.effects import Effects
from coordinator.rows import AttemptRow, ReceivedRow, Recovered, ResultRow, Row


class SlowDisk:
    """A store whose transactions last until the test ends them."""

    def __init__(self) -> None:
        self.begun = threading.Semaphore(0)
        self.let_go = threading.Semaphore(0)
        self.batches: list[int] = []
        """How many rows were written, and, negative, how many were asked for."""

    def commit(self, rows: list[Row]) -> None:
        self.batches.append(len(rows))
        self.begun.release()
        assert self.let_go.acquire(timeout=10)

    def load(self) -> Recovered:
        raise AssertionError("load is not used here")

    def results_of(self, numbers: Sequence[int]) -> list[ResultRow]:
        self.batches.append(-len(numbers))
        return []


class Desk:
    """A committer with its disk, the rows that wait for it, and the rows that it reported as stored."""

    def __init__(self, disk: SlowDisk | None = None, linger_s: float = LINGER_S) -> None:
        self.disk = disk or SlowDisk()
        self.waiting: list[Row] = []
        self.published: list[Row] = []
        self.lingers = False
        self.committer = Committer(
            self.disk, self._take, self.published.extend, lambda: self.lingers, linger_s
        )

    def decide(self) -> None:
        self.waiting.append(ResultRow(1, "task", 1, "worker-1", "completed", "", b"", 1, 0, 0, 0))
        self.committer.schedule()

    def _take(self) -> list[Row]:
        rows, self.waiting = self.waiting, []
        return rows

    async def under_way(self) -> None:
        assert await asyncio.to_thread(self.disk.begun.acquire, timeout=10)


@asynccontextmanager
async def committing(desk: Desk) -> AsyncIterator[Desk]:
    """A desk whose committer runs."""
    running = asyncio.create_task(desk.committer.run())
    yield desk
    desk.disk.let_go.release(100)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    async with committing(Desk()) as made:
        yield made


@pytest.fixture
async def patient() -> AsyncIterator[Desk]:
    """Rows that may linger wait for a minute."""
    async with committing(Desk(linger_s=60)) as made:
        yield made


async def test_nothing_is_published_before_it_is_on_the_disk(desk: Desk) -> None:
    desk.decide()
    durable = asyncio.create_task(desk.committer.durable())
    await desk.under_way()
    assert desk.published == []
    assert not durable.done()
    desk.disk.let_go.release(2)
    await asyncio.wait_for(durable, 10)
    assert len(desk.published) == 1


async def test_what_is_decided_during_a_transaction_goes_together_into_the_next(desk: Desk) -> None:
    desk.decide()
    await desk.under_way()
    for _ in range(5):
        desk.decide()
    desk.disk.let_go.release()
    await desk.under_way()
    assert desk.disk.batches == [1, 5]
    assert len(desk.published) == 1


async def test_rows_without_a_waiter_go_with_the_next_ones(patient: Desk) -> None:
    patient.lingers = True
    patient.decide()
    await patient.committer.results_of([1])
    patient.lingers = False
    patient.decide()
    await patient.under_way()
    assert patient.disk.batches == [-1, 2]


async def test_rows_without_a_waiter_are_written_soon(desk: Desk) -> None:
    desk.lingers = True
    desk.decide()
    await desk.under_way()
    assert desk.disk.batches == [1]


async def test_a_wait_for_durability_does_not_linger_for_other_rows(patient: Desk) -> None:
    patient.lingers = True
    patient.decide()
    durable = asyncio.create_task(patient.committer.durable())
    await patient.under_way()
    patient.disk.let_go.release()
    await asyncio.wait_for(durable, 10)


def test_only_an_attempt_that_begins_may_linger() -> None:
    def attempt(is_open: bool) -> AttemptRow:
        return AttemptRow(1, "task", 1, "session", 1, 0, is_open, 0)

    assert not Effects().may_linger()
    assert Effects(rows=[attempt(True), attempt(True)]).may_linger()
    assert not Effects(rows=[attempt(True), attempt(False)]).may_linger()
    assert not Effects(rows=[ReceivedRow("session", 1), attempt(True)]).may_linger()


async def test_a_disk_that_fails_ends_it_and_nothing_is_published() -> None:
    class Full(SlowDisk):
        def commit(self, rows: list[Row]) -> None:
            raise OSError("no space left")

    desk = Desk(Full())
    desk.decide()
    durable = asyncio.create_task(desk.committer.durable())
    with pytest.raises(OSError, match="no space left"):
        await asyncio.wait_for(desk.committer.run(), 10)
    assert desk.published == []
    assert not durable.done()
    durable.cancel()


async def test_its_thread_ends_with_it() -> None:
    desk = Desk()
    running = asyncio.create_task(desk.committer.run())
    await asyncio.sleep(0)
    threads = [thread for thread in threading.enumerate() if thread.name == "store"]
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    for thread in threads:
        await asyncio.to_thread(thread.join, 10)
    assert threads
    assert not any(thread.is_alive() for thread in threads)


async def test_a_read_of_many_results_lets_transactions_go_between(desk: Desk) -> None:
    asked = asyncio.create_task(desk.committer.results_of(list(range(2 * ASKED_AT_ONCE))))
    await asyncio.sleep(0)
    desk.disk.let_go.release()
    desk.decide()
    await asked
    assert desk.disk.batches == [-ASKED_AT_ONCE, 1, -ASKED_AT_ONCE]
