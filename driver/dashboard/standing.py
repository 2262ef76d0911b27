"""Which lab there is to watch: looked for again and again, since labs come and go."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from driver.dashboard.feed import Feed
from driver.dashboard.picture import Part
from driver.engines.engine import WORKER, Engine, ResourceReading
from driver.errors import LabError
from driver.histories.events import ResourceSample
from driver.histories.history import DRIVER
from driver.labs.end_request import by_hand_folder
from driver.labs.hands import TOXIPROXY
from driver.labs.lab_before import is_of_a_run
from driver.labs.project_name import start_hint

LOOK_EVERY_S = 2.0
STEP_S = 0.25
CATCH_UP_STEPS = 8
"""While a long history is read, viewers are served between so many looks."""


class Standing:
    """The lab of one project, and the feed of its journals; the last picture stays when it is gone."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._stands = False
        self._watched = ""
        self._is_run = False
        self._workers = 0
        self._hint = ""
        self.feed: Feed | None = None
        self.changed = 0
        """How often another lab took the place of the one that was watched."""

    @property
    def project(self) -> str:
        """The lab's name."""
        return self._engine.project

    @property
    def workers(self) -> int:
        """How many workers the lab has now; 0 where none stands."""
        return self._workers if self._stands else 0

    async def look(self) -> None:
        """Look for the lab, and what its containers use where no run does that."""
        try:
            found = await asyncio.to_thread(self._find)
        except LabError as error:
            self._stands, self._hint = False, error.sentence
            return
        if found is None:
            self._stands = False
            project = self._engine.project
            self._hint = f"No lab named {project!r} is up. {start_hint(project)}"
            return
        if found.journals is None:
            self._stands = False
            self._hint = "This lab keeps its journals inside the engine, where they cannot be followed."
            return
        self._stands, self._workers = True, found.workers
        feed = self.feed
        if feed is None or feed.folder != found.journals or self._watched != found.lab:
            self._watched = found.lab
            feed = self._begin(found.journals)
        for sample in found.samples:
            feed.add(sample)

    def step(self) -> bool:
        """Hear what is new; whether more can be read at once."""
        if self.feed is None:
            return False
        return self.feed.step(time.monotonic_ns(), time.time(), passes=self._stands)

    def told(self) -> Part:
        """For the page: what is watched."""
        model = self.feed.model if self.feed else None
        state = ("run" if self._is_run else "up") if self._stands else ("gone" if model else "none")
        run = model.run if model else None
        return {
            "state": state,
            "project": self._engine.project,
            "run": run.run if run else "",
            "scenario": run.scenario if run else "",
            "phase": model.phase if model and run else "",
            "zero_s": (model.zero_wall_s or None) if model else None,
            "left_s": _left_s(self.feed) if self._stands else None,
            "workers": self.workers,
            "hint": "" if self._stands else self._hint,
        }

    def _begin(self, journals: Path) -> Feed:
        self._is_run = is_of_a_run(journals)
        self.feed = Feed(journals, by_hand_folder(self._engine.project))
        self.changed += 1
        return self.feed

    def _find(self) -> _Found | None:
        """What stands, asked of the engine: in a thread."""
        spec = self._engine.existing_spec()
        if spec is None:
            return None
        containers = self._engine.containers()
        workers = sum(one.service == WORKER for one in containers)
        # A lab of the same name and folder is another one when its proxy is.
        lab = next((one.id for one in containers if one.name == TOXIPROXY), "")
        samples: list[ResourceSample] = []
        if spec.journals is not None and not is_of_a_run(spec.journals):
            # Nobody else notes what the containers of a lab use on which no scenario runs.
            with suppress(LabError):
                samples = [_sample(usage) for usage in self._engine.usage()]
        return _Found(spec.journals, lab, workers, samples)


@dataclass(frozen=True)
class _Found:
    journals: Path | None
    lab: str
    workers: int
    samples: list[ResourceSample]


def _sample(usage: ResourceReading) -> ResourceSample:
    return ResourceSample(
        at_ns=time.monotonic_ns(),
        wall_s=time.time(),
        by=DRIVER,
        container=usage.container,
        memory_bytes=usage.memory_bytes,
        cpu_s=usage.cpu_s,
    )


def _left_s(feed: Feed | None) -> float | None:
    run, zero_ns = (feed.model.run, feed.model.zero_ns) if feed else (None, 0)
    if run is None or not zero_ns or (feed and feed.model.is_over):
        return None
    return max(0.0, run.duration_s - (time.monotonic_ns() - zero_ns) / 1e9)
