"""Group commit: while one transaction is on its way to the disk, all that is decided meanwhile gathers for
the next.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from coordinator.rows import ResultRow, Row, Store

LINGER_S = 0.005
"""For so long at the most, rows that nobody waits for stay for others to go with."""


class Committer:
    """Hands rows to the store in a thread of its own, one batch after the other, and says when a batch is
    durable.
    """

    def __init__(
        self,
        store: Store,
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
        self._work = asyncio.Event()
        self._waiters: list[asyncio.Future[None]] = []
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="store")

    def poke(self) -> None:
        """There may be rows."""
        self._work.set()

    async def durable(self) -> None:
        """Returns once every row that was decided before this call is durable."""
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        self.poke()
        await waiter

    async def results_of(self, numbers: list[int]) -> list[ResultRow]:
        """What the store has of these tasks' results."""
        if not numbers:
            return []
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, self._store.results_of, numbers)

    async def _linger(self, until_s: float) -> None:
        """Wait while there are only rows that may wait: a transaction for them alone would be in the way of
        the results that come next.
        """
        while not self._waiters and self._may_linger():
            try:
                async with asyncio.timeout_at(until_s):
                    await self._work.wait()
            except TimeoutError:
                return
            self._work.clear()

    async def run(self) -> None:
        """Commit for ever. An error of the store ends it, and is raised."""
        loop = asyncio.get_running_loop()
        while True:
            await self._work.wait()
            self._work.clear()
            await self._linger(loop.time() + LINGER_S)
            rows, waiters = self._take_rows(), self._waiters
            self._waiters = []
            if rows:
                began_s = time.monotonic()
                await loop.run_in_executor(self._thread, self._store.commit, rows)
                self.busy_s += time.monotonic() - began_s
                self.commits += 1
                self.rows += len(rows)
                self._stored(rows)
            for waiter in waiters:
                if not waiter.done():
                    waiter.set_result(None)
