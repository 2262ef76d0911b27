"""Group commit: rows that arrive while a transaction is being written go into the next one."""

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
"""Rows that no request waits for are held back at most this long, to share a transaction."""
ASKED_AT_ONCE = 64
"""Results per query, so that transactions can go in between."""
_Waiter = asyncio.Future[None]
_Call = tuple[Callable[[], Any], Callable[[Any, Exception | None], None]]
"""A call for the store's thread, and the callback in the event loop for its outcome."""


class Committer:
    """Writes rows to the store in a thread of its own, one batch after the other, and reports when a batch is
    durable. Belongs to the event loop in which it was made.

    Args:
        store: where rows are written; its calls block.
        take_rows: returns the rows to write next, and keeps none of them.
        stored: receives the rows of a batch once it is durable.
        may_linger: returns whether no request waits for the rows that `take_rows` would return.
        linger_s: how long such rows are held back at most, to share a transaction.
    """

    def __init__(
        self,
        store: RowStore,
        take_rows: Callable[[], list[Row]],
        stored: Callable[[list[Row]], None],
        may_linger: Callable[[], bool],
        linger_s: float = LINGER_S,
    ) -> None:
        self.commits = 0
        self.rows = 0
        self.busy_s = 0.0
        self._store = store
        self._take_rows = take_rows
        self._stored = stored
        self._may_linger = may_linger
        self._linger_s = linger_s
        self._loop = asyncio.get_running_loop()
        self._waiters: list[_Waiter] = []
        self._is_committing = False
        self._lingering: asyncio.TimerHandle | None = None
        self._broken: _Waiter = self._loop.create_future()
        # A queue, since an executor and its futures need as long for a call as a transaction takes.
        self._calls: SimpleQueue[_Call | None] = SimpleQueue()

    def schedule(self) -> None:
        """Commit the rows there are. Rows that no request waits for are held back a while: a transaction for
        them alone would delay the results that come next.
        """
        if self._is_committing:
            return
        if self._waiters or not self._may_linger():
            self._commit()
        elif self._lingering is None:
            self._lingering = self._loop.call_later(self._linger_s, self._commit)

    async def durable(self) -> None:
        """Return once every row that was decided before this call is durable."""
        waiter: _Waiter = self._loop.create_future()
        self._waiters.append(waiter)
        self.schedule()
        await waiter

    async def results_of(self, numbers: list[int]) -> list[ResultRow]:
        """Return the stored results of these tasks, up to the limit of one answer."""
        found: list[ResultRow] = []
        for first in range(0, len(numbers), ASKED_AT_ONCE):
            answer: asyncio.Future[list[ResultRow]] = self._loop.create_future()
            some = numbers[first : first + ASKED_AT_ONCE]
            self._calls.put((partial(self._store.results_of, some), partial(_settle, answer)))
            found += await answer
            if sum(len(row.output) for row in found) > ANSWER_BYTES:
                break
        return found

    async def run(self) -> None:
        """Commit for ever. Raises the store's first error."""
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
        """Run the store's calls (in its thread)."""
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
                return  # The loop is closed.


def _resolve(waiters: list[_Waiter]) -> None:
    for waiter in waiters:
        if not waiter.done():
            waiter.set_result(None)


def _settle(answer: asyncio.Future[list[ResultRow]], found: list[ResultRow], error: Exception | None) -> None:
    if answer.done():
        return
    if error is None:
        answer.set_result(found)
    else:
        answer.set_exception(error)
