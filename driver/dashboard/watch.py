"""The dashboard at work: looks for the lab, keeps the model up to date, and tells the viewers."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import msgspec

from driver.dashboard.hub import Hub
from driver.dashboard.jobs import Jobs
from driver.dashboard.picture import Part
from driver.dashboard.scenario_job import ScenarioJob
from driver.dashboard.standing import CATCH_UP_STEPS, LOOK_EVERY_S, STEP_S, Standing
from driver.results.run_folder import results_root


class Watch:
    """One project's lab, watched. Everything runs on the server's own loop, so nothing here needs a lock."""

    encode = staticmethod(msgspec.json.encode)

    def __init__(
        self, standing: Standing, read_only: bool = False, lab_port: int | None = None,
        results: Path | None = None,
    ) -> None:  # fmt: skip
        self.standing = standing
        self.jobs = Jobs()
        self.results = results or results_root()
        self.scenario = ScenarioJob(self.jobs, self.results, lab_port)
        self.hub = Hub(self.state)
        self._read_only = read_only
        self._changed = 0
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin to watch; `broken` says when that has come to an end by itself."""
        self._tasks = [asyncio.create_task(self._look_around()), asyncio.create_task(self._go_on())]

    async def broken(self) -> None:
        """Wait until watching ends by an error, and raise it: an old picture must not look alive."""
        await asyncio.gather(*self._tasks)

    async def end(self) -> None:
        """Watch no more, and end what the page had asked for."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.jobs.end()

    async def _look_around(self) -> None:
        """Look for the lab, for ever."""
        while True:
            await self.standing.look()
            await asyncio.sleep(LOOK_EVERY_S)

    async def _go_on(self) -> None:
        """Hear and tell, for ever."""
        while True:
            for _ in range(CATCH_UP_STEPS):
                if not self.standing.step():
                    break
                # Viewers are answered, and other tasks go on, however long a history is read.
                await asyncio.sleep(0)
            if len(self.hub):
                self._tell()
            elif self.standing.feed is not None:
                self.standing.feed.painter.skip()
            await asyncio.sleep(STEP_S)

    def state(self) -> Part:
        """The whole of it."""
        feed = self.standing.feed
        lab, doing = self.standing.told(), self.doing()
        if feed is None:
            return {**EMPTY, "now_s": time.time(), "lab": lab, "doing": doing, "read_only": self._read_only}
        return {**feed.painter.state(lab, doing, time.time()), "read_only": self._read_only}

    def doing(self) -> Part:
        """What was asked of the page, and what has become of it."""
        model = self.standing.feed.model if self.standing.feed else None
        return {"scenario": self.scenario.told(model), "jobs": self.jobs.told()}

    def _tell(self) -> None:
        feed = self.standing.feed
        if feed is None or self._changed != self.standing.changed:
            if self._changed != self.standing.changed or self._lab_is_new():
                self._changed = self.standing.changed
                self.hub.tell(None)
            return
        self.hub.tell(feed.painter.delta(self.standing.told(), self.doing(), time.time()))

    def _lab_is_new(self) -> bool:
        """Where there is no feed, what is said of the lab and of the jobs is all that can change."""
        told = (self.standing.told(), self.doing())
        changed, self._told = told != self._told, told
        return changed

    _told: tuple[Part, Part] = ({}, {})


EMPTY: Part = {
    "seq": 0, "tiles": [], "faults": [], "markers": [], "events": [], "queue": {}, "figures": {},
    "series": {"t": []},
}  # fmt: skip
