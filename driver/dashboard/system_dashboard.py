"""The loop of a foreign system's page: looks at the system, and publishes its state once a second."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine, Sequence

from driver.dashboard.json_state import JsonObject
from driver.dashboard.page_loop import PageLoop
from driver.dashboard.system_monitor import LOOK_EVERY_S, SystemMonitor
from driver.dashboard.system_state import WINDOW_S, WallClock, system_state

EMPTY: JsonObject = {"links": [], "containers": [], "faults": [], "events": []}


class SystemDashboard(PageLoop):
    """One system and the jobs of its page."""

    def __init__(self, monitor: SystemMonitor, named: str, read_only: bool = False) -> None:
        super().__init__()
        self.monitor = monitor
        self.named = named
        self._read_only = read_only

    def work(self) -> Sequence[Coroutine[object, object, None]]:
        return [self._follow()]

    def state(self) -> JsonObject:
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
