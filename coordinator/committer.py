"""Group commit: while one transaction is on its way to the disk, all that is decided meanwhile gathers for
the next.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from functools import partial
from queue import SimpleQueue
from typing import Any

from coordinator.rows import ResultRow, Row, RowStore
from wire.control import ANSWER_BYTES

LINGER_S = 0.005
"""For so long at the most, rows that nobody waits for stay for others to go with."""
ASKED_AT_ONCE = 64
"""So many results are asked for at a time, so that transactions can go between."""
_Waiter = asyncio.Future[None]
_Call = tuple[Callable[[], Any], Callable[[Any, Exception | None], None]]
"""What the store's thread is to do, and who hears in the event loop what came of it."""


class Committer:
    """Hands rows to the store in a thread of its own, one batch after the other, and says when a batch is
    durable. Belongs to the event loop in which it was made.
    """

    def __init__(
        self,
        store: RowStore,
        take_rows: Callable[[], list[Row]],
        stored: Callable[[list[Row]], None],
        may_linger: Callable[[], bool],
    ) -> None:
        self.commits = 0
        self.rows = 0
        self.busy_s = 0.0
        self._store = store
        self._take_rows = take_rows
        self._stored = stored
        self._may_linger = may_linger
        self._loop = asyncio.get_running_loop()
        self._waiters: list[_Waiter] = []
        self._is_committing = False
        self._lingering: asyncio.TimerHandle | None = None
        self._broken: _Waiter = self._loop.create_future()
        # A queue, since all that an executor and its futures do for a call takes as long as a transaction.
        self._calls: SimpleQueue[_Call | None] = SimpleQueue()

    def schedule(self) -> None:
        """There may be rows. Those that nobody waits for stay for a while: a transaction for them alone would
        be in the way of the results that come next.
        """
        if self._is_committing:
            return
        if self._waiters or not self._may_linger():
            self._commit()
        elif self._lingering is None:
            self._lingering = self._loop.call_later(LINGER_S, self._commit)

    async def durable(self) -> None:
        """Returns once every row that was decided before this call is durable."""
        waiter: _Waiter = self._loop.create_future()
        self._waiters.append(waiter)
        self.schedule()
        await waiter

    async def results_of(self, numbers: list[int]) -> list[ResultRow]:
        """What the store has of these tasks' results, and no more than one answer takes."""
        found: list[ResultRow] = []
        for first in range(0, len(numbers), ASKED_AT_ONCE):
            asked: asyncio.Future[list[ResultRow]] = self._loop.create_future()
            some = numbers[first : first + ASKED_AT_ONCE]
            self._calls.put((partial(self._store.results_of, some), partial(_settle, asked)))
            found += await asked
            if sum(len(row.output) for row in found) > ANSWER_BYTES:
                break
        return found

    async def run(self) -> None:
        """Commit for ever. An error of the store ends it, and is raised."""
        threading.Thread(target=self._serve, name="store").start()
        try:
            await self._broken
        finally:
            self._calls.put(None)

    def _commit(self) -> None:
        if self._lingering is not None:
            self._lingering.cancel()
            self._lingering = None
        rows, waiters = self._take_rows(), self._waiters
        self._waiters = []
        if rows:
            self._is_committing = True
            committed = partial(self._committed, rows, waiters, time.monotonic())
            self._calls.put((lambda: self._store.commit(rows), committed))
        else:
            _resolve(waiters)

    def _committed(
        self, rows: list[Row], waiters: list[_Waiter], began_s: float, _: None, error: Exception | None
    ) -> None:
        try:
            if error is not None:
                raise error
            self.busy_s += time.monotonic() - began_s
            self.commits += 1
            self.rows += len(rows)
            self._stored(rows)
            _resolve(waiters)
            self._is_committing = False
            self.schedule()
        except Exception as problem:
            if not self._broken.done():
                self._broken.set_exception(problem)

    def _serve(self) -> None:
        """The thread."""
        while (call := self._calls.get()) is not None:
            work, answer = call
            found, error = None, None
            try:
                found = work()
            except Exception as problem:
                error = problem
            try:
                self._loop.call_soon_threadsafe(answer, found, error)
            except RuntimeError:
                return  # The loop is closed: nobody is left to be told.


def _resolve(waiters: list[_Waiter]) -> None:
    for waiter in waiters:
        if not waiter.done():
            waiter.set_result(None)


def _settle(asked: asyncio.Future[list[ResultRow]], found: list[ResultRow], error: Exception | None) -> None:
    if asked.done():
        return
    if error is None:
        asked.set_result(found)
    else:
        asked.set_exception(error)
