"""The base of a live page's loop: its state, whom it is published to, and the jobs that the page started."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Coroutine, Sequence

from driver.dashboard.hub import Hub
from driver.dashboard.jobs import Jobs
from driver.dashboard.json_state import JsonObject


class PageLoop(ABC):
    """One page's loop. All of it runs on the server's loop, without locks."""

    def __init__(self) -> None:
        self.jobs = Jobs()
        self.hub = Hub(self.state)
        self._tasks: list[asyncio.Task[None]] = []

    @abstractmethod
    def state(self) -> JsonObject:
        """Return the whole state; that of an empty model before there was anything to show."""

    @abstractmethod
    def work(self) -> Sequence[Coroutine[object, object, None]]:
        """Return what runs while the page is served."""

    def start(self) -> None:
        """Start the loop; `wait_failed` reports its failure."""
        self._tasks = [asyncio.create_task(one) for one in self.work()]

    async def wait_failed(self) -> None:
        """Wait until the loop fails, and raise its error: a frozen page must not look live."""
        await asyncio.gather(*self._tasks)

    async def end(self) -> None:
        """Stop the loop, and the jobs that the page started."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.jobs.end()
