"""Finds the lab of a project, again and again, and follows its journals."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from chaos.targets import CLIENT, TOXIPROXY
from driver.dashboard.json_state import JsonObject
from driver.engines.engine import Engine, ResourceReading
from driver.errors import LabError
from driver.histories.events import ResourceSample
from driver.histories.history import DRIVER
from driver.labs.lab_journals import manual_journal_folder
from driver.labs.project_name import start_hint
from driver.reference.dashboard.feed import Feed
from driver.reference.labs.lifecycle import belongs_to_run

REFRESH_EVERY_S = 2.0
STEP_EVERY_S = 0.25
CATCH_UP_STEPS = 8
"""While a long history is read, subscribers are served after this many steps."""


class LabMonitor:
    """The lab of one project, and the feed of its journals; the feed of a lab that is gone stays."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._is_up = False
        self._lab_id = ""
        self._is_run = False
        self._workers = 0
        self._hint = ""
        self.feed: Feed | None = None
        self.labs_seen = 0
        """Number of labs so far; it grows when another lab replaces the one that was followed."""

    @property
    def project(self) -> str:
        """The lab's name."""
        return self._engine.project

    @property
    def workers(self) -> int:
        """The number of the lab's workers; 0 while no lab is up."""
        return self._workers if self._is_up else 0

    async def refresh(self) -> None:
        """Ask the engine for the lab, and for what its containers use unless a run samples that itself.

        An error of the engine becomes the hint; the feed stays.
        """
        try:
            found = await asyncio.to_thread(self._find)
        except LabError as error:
            self._is_up, self._hint = False, error.sentence
            return
        if found is None:
            self._is_up = False
            project = self._engine.project
            self._hint = f"No lab named {project!r} is up. {start_hint(project)}"
            return
        if found.journals is None:
            self._is_up = False
            self._hint = "This lab keeps its journals inside the engine, where they cannot be followed."
            return
        self._is_up, self._workers = True, found.workers
        feed = self.feed
        if feed is None or feed.folder != found.journals or self._lab_id != found.lab_id:
            self._lab_id = found.lab_id
            feed = self._follow(found.journals)
        for sample in found.samples:
            feed.add(sample)

    def step(self) -> bool:
        """Apply new events to the model; returns whether more can be read at once."""
        if self.feed is None:
            return False
        return self.feed.step(time.monotonic_ns(), time.time(), is_live=self._is_up)

    def status(self) -> JsonObject:
        """Return the lab's state for the page: `none`, `up`, `run` (a scenario's), or `gone`."""
        model = self.feed.model if self.feed else None
        state = ("run" if self._is_run else "up") if self._is_up else ("gone" if model else "none")
        run = model.run if model else None
        started = run.started if run else None
        return {
            "state": state,
            "project": self._engine.project,
            "run": started.run if started else "",
            "scenario": started.scenario if started else "",
            "phase": run.phase if run and started else "",
            "zero_s": (run.zero_wall_s or None) if run else None,
            "left_s": run.left_s(time.monotonic_ns()) if run and self._is_up else None,
            "workers": self.workers,
            "hint": "" if self._is_up else self._hint,
        }

    def _follow(self, journals: Path) -> Feed:
        self._is_run = belongs_to_run(journals)
        self.feed = Feed(journals, manual_journal_folder(self._engine.project))
        self.labs_seen += 1
        return self.feed

    def _find(self) -> _Found | None:
        """Return what the engine has of the lab; blocks, so it runs in a thread. Raises LabError."""
        spec = self._engine.existing_spec()
        if spec is None:
            return None
        containers = self._engine.containers()
        workers = sum(one.service == CLIENT for one in containers)
        # A lab of the same name and folder is another one when its proxy is.
        lab_id = next((one.id for one in containers if one.name == TOXIPROXY), "")
        samples: list[ResourceSample] = []
        if spec.journals is not None and not belongs_to_run(spec.journals):
            # Nothing else samples the containers of a lab on which no scenario runs.
            with suppress(LabError):
                samples = [_sample(usage) for usage in self._engine.usage()]
        return _Found(spec.journals, lab_id, workers, samples)


@dataclass(frozen=True)
class _Found:
    journals: Path | None
    lab_id: str
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
