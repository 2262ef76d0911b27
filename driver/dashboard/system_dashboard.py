"""The loop of a foreign system's page: looks at the system, and publishes its state once a second."""

from __future__ import annotations

import asyncio
import time

from driver.dashboard.hub import Hub
from driver.dashboard.jobs import Jobs
from driver.dashboard.state_encoder import JsonObject
from driver.dashboard.system_monitor import LOOK_EVERY_S, SystemMonitor
from driver.dashboard.system_state import WINDOW_S, WallClock, system_state

EMPTY: JsonObject = {"links": [], "containers": [], "faults": [], "events": []}


class SystemDashboard:
    """One system and the jobs of its page. All of it runs on the server's loop, without locks."""

    def __init__(self, monitor: SystemMonitor, named: str, read_only: bool = False) -> None:
        self.monitor = monitor
        self.named = named
        self.jobs = Jobs()
        self.hub = Hub(self.state)
        self._read_only = read_only
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Start the loop; `wait_failed` reports its failure."""
        self._tasks = [asyncio.create_task(self._follow())]

    async def wait_failed(self) -> None:
        """Wait until the loop fails, and raise its error: a frozen page must not look live."""
        await asyncio.gather(*self._tasks)

    async def end(self) -> None:
        """Stop the loop, and the jobs that the page started."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.jobs.end()

    def state(self) -> JsonObject:
        """Return the whole state; that of an empty model before the system was found."""
        monitor = self.monitor
        now_s, model = time.time(), monitor.model
        looked = None if model is None else model.looked
        at_ns = time.monotonic_ns()
        if monitor.state == "gone" and looked is not None:
            # The picture of a system that is gone is that of the last look.
            at_ns, now_s = looked.at_ns, looked.wall_s
        return {
            "now_s": now_s,
            "window_s": WINDOW_S,
            "lab": {"state": monitor.state, "project": self.named, "hint": monitor.hint},
            "read_only": self._read_only,
            "doing": {"jobs": self.jobs.status()},
            **(EMPTY if model is None else system_state(model, WallClock(at_ns, now_s))),
        }

    async def _follow(self) -> None:
        while True:
            await self.monitor.refresh()
            self.hub.publish(None)
            await asyncio.sleep(LOOK_EVERY_S)
