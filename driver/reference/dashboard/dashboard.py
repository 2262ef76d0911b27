"""The dashboard's loop: monitors the lab, keeps the model up to date, and publishes it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine, Sequence
from pathlib import Path

import msgspec

from driver.dashboard.json_state import JsonObject
from driver.dashboard.page_loop import PageLoop
from driver.reference.dashboard.lab_monitor import CATCH_UP_STEPS, REFRESH_EVERY_S, STEP_EVERY_S, LabMonitor
from driver.reference.dashboard.scenario_job import ScenarioJob
from driver.results.run_folder import results_root


class Dashboard(PageLoop):
    """One project's lab and the jobs of the page."""

    encode = staticmethod(msgspec.json.encode)

    def __init__(
        self, monitor: LabMonitor, read_only: bool = False, lab_port: int | None = None,
        results: Path | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        self.monitor = monitor
        self.results = results or results_root()
        self.scenario = ScenarioJob(self.jobs, self.results, lab_port)
        self._read_only = read_only
        self._labs_published = 0
        self._published: tuple[JsonObject, JsonObject] = ({}, {})

    def work(self) -> Sequence[Coroutine[object, object, None]]:
        return [self._refresh(), self._publish()]

    def state(self) -> JsonObject:
        feed = self.monitor.feed
        lab, doing = self.monitor.status(), self.doing()
        if feed is None:
            return {**EMPTY, "now_s": time.time(), "lab": lab, "doing": doing, "read_only": self._read_only}
        return {**feed.encoder.state(lab, doing, time.time()), "read_only": self._read_only}

    def doing(self) -> JsonObject:
        """Return the scenario and the jobs that the page started."""
        model = self.monitor.feed.model if self.monitor.feed else None
        return {"scenario": self.scenario.status(model), "jobs": self.jobs.status()}

    async def _refresh(self) -> None:
        while True:
            await self.monitor.refresh()
            await asyncio.sleep(REFRESH_EVERY_S)

    async def _publish(self) -> None:
        while True:
            for _ in range(CATCH_UP_STEPS):
                if not self.monitor.step():
                    break
                # Other tasks of the server run while a long history is read.
                await asyncio.sleep(0)
            if len(self.hub):
                self._publish_delta()
            elif self.monitor.feed is not None:
                self.monitor.feed.encoder.skip()
            await asyncio.sleep(STEP_EVERY_S)

    def _publish_delta(self) -> None:
        feed, labs_seen = self.monitor.feed, self.monitor.labs_seen
        if feed is not None and self._labs_published == labs_seen:
            self.hub.publish(feed.encoder.delta(self.monitor.status(), self.doing(), time.time()))
        elif self._labs_published != labs_seen or self._status_changed():
            self._labs_published = labs_seen
            self.hub.publish(None)

    def _status_changed(self) -> bool:
        """Whether the lab's status or the jobs have changed; without a feed nothing else can."""
        status = (self.monitor.status(), self.doing())
        changed, self._published = status != self._published, status
        return changed


EMPTY: JsonObject = {
    "seq": 0, "tiles": [], "faults": [], "markers": [], "events": [], "queue": {}, "figures": {},
    "series": {"t": []},
}  # fmt: skip
