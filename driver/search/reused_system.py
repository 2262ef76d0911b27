"""A foreign system that stays up between runs, and is started again where it is not proved to be clean."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from driver.histories.journals import JOURNALS
from driver.histories.readings import GROWN_BY, grown
from driver.interrupts import interruptible
from driver.observations.catalogue import read_observation
from driver.observations.observation import ReadingContext
from driver.observations.observer import Observer, Taken
from driver.results.judged_run import JudgedRun
from driver.runs.run import run
from driver.runs.run_request import RunRequest
from driver.runs.system_subject import SharedStart, SystemSubject, request_of
from driver.scenarios.plan import Plan, PlannedSystem
from driver.search.cleanliness import unclean
from driver.search.journal_parts import JournalParts
from driver.systems.system_kinds import access_to, kind_of
from driver.systems.system_request import project_of
from driver.terminal import Terminal

MOST_RUNS = 60
"""Runs of one start, so that journals and tables of the system do not grow for hours."""
QUEUES_S = 10.0
"""How long queues may take to be as short as before: less than a new start does."""
LOOK_EVERY_S = 0.5
_log = logging.getLogger("stormlab.search")


class ReusedSystem:
    """One system, on which one run follows another. The caller holds the lab's lock.

    `folder` is where the journals of each start are, `systems` has one folder for each system. `starts`
    counts the starts, and `starting_s` is how long they took in all.
    """

    def __init__(self, folder: Path, systems: Path, terminal: Terminal) -> None:
        self._folder = folder
        self._systems = systems
        self._terminal = terminal
        self._up: SystemSubject | None = None
        self._start: SharedStart | None = None
        self._parts: JournalParts | None = None
        self._runs = 0
        self._growing: frozenset[str] = frozenset()
        self.starts = 0
        self.starting_s = 0.0
        self.why_started: list[str] = []

    def run(self, request: RunRequest) -> JudgedRun:
        """Run a plan, on the system as it is where it is clean, and judge it. Raises LabError as `run`."""
        if self._up is None:
            self._begin(request.plan)
        assert self._start is not None, "it was started"
        assert self._parts is not None, "it was started"
        subject = ReusedSubject(request.plan, self._systems, self._terminal, self._start, self._parts)
        try:
            judged = asyncio.run(run(replace(request, goes_on=True), subject, self._terminal))
        except BaseException:
            self.end("a run could not be finished")
            raise
        self._runs += 1
        longer = grown(judged.history)
        if not request.plan.faults:
            self._growing = frozenset(longer)
        reasons = unclean(judged.history, judged.verdict.findings, self._growing)
        if reasons and not unclean(judged.history, judged.verdict.findings, longer):
            # Nothing is wrong but queues, which may be empty in a moment.
            reasons = self._still_longer(request.plan, longer)
        if self._runs >= MOST_RUNS:
            reasons.append(f"it had {MOST_RUNS} runs")
        if reasons:
            self.end(reasons[0])
        return judged

    def _begin(self, plan: Plan) -> None:
        """Start the system. Raises LabError; then nothing of it is up."""
        began_s = time.monotonic()
        self.starts += 1
        self._runs = 0
        file = request_of(_system(plan)).files[0]
        lab = kind_of(file).lab(project_of(file), self._systems, None)
        folder = self._folder / f"start-{self.starts}"
        self._start = SharedStart(lab, journals=folder / JOURNALS)
        self._up = SystemSubject(plan, self._systems, self._terminal, self._start)
        folder.mkdir(parents=True, exist_ok=True)
        try:
            asyncio.run(_started(self._up, folder))
        except BaseException:
            self.end("it could not be started")
            raise
        assert self._start.prepared is not None, "it is up"
        self._parts = JournalParts(folder / JOURNALS, self._start.prepared.processes)
        self.starting_s += time.monotonic() - began_s

    def end(self, because: str) -> None:
        """Take the system down; repeating is safe. Raises LabError."""
        up, self._up = self._up, None
        if up is not None:
            self.why_started.append(because)
            _log.debug("taking the system down: %s", because)
            asyncio.run(up.take_down())

    def _still_longer(self, plan: Plan, longer: Mapping[str, tuple[float, float]]) -> list[str]:
        """Return the queues that do not come back to their length within QUEUES_S, as clauses."""
        assert self._up is not None, "the system is up"
        system = _system(plan)
        context = ReadingContext(access_to(self._up.lab.running), Path(system.home))
        left = {name: before for name, (before, _) in longer.items() if name not in self._growing}
        observations = {name: read_observation(system.observe[name]) for name in left}
        observer = Observer(observations, context, lambda *_, **__: None)

        async def wait() -> dict[str, float]:
            longer = dict(left)
            deadline_s = time.monotonic() + QUEUES_S
            while longer and time.monotonic() < deadline_s:
                await asyncio.sleep(LOOK_EVERY_S)
                values = await observer.current()
                longer = {
                    name: before for name, before in longer.items() if not _is_back(values[name], before)
                }
            return longer

        return [f"{name} stays longer than {before:g}" for name, before in asyncio.run(wait()).items()]


def _system(plan: Plan) -> PlannedSystem:
    assert plan.system is not None, "the plan has a foreign system"
    return plan.system


async def _started(subject: SystemSubject, folder: Path) -> None:
    """Start a system and wait until it is ready; an interruption ends it."""

    async def start() -> None:
        await subject.prepare()
        await subject.up(folder)
        await subject.ready()

    await interruptible(start(), lambda _: subject.interrupt())


def _is_back(value: Taken, before: float) -> bool:
    """Return whether a queue is about as long as before; one whose reading failed is not."""
    return isinstance(value, float) and value <= before + GROWN_BY


class ReusedSubject(SystemSubject):
    """One plan's subject on a system that is up: its own part of each journal and log."""

    def __init__(
        self, plan: Plan, folder: Path, terminal: Terminal, start: SharedStart, parts: JournalParts
    ) -> None:
        super().__init__(plan, folder, terminal, start)
        self._parts = parts
        self._since_s = time.time()

    async def up(self, folder: Path) -> None:
        """Begin the run's part of each journal."""
        self._since_s = time.time()
        await asyncio.to_thread(self._parts.begin)

    async def ready(self) -> None:
        """Do nothing: it is up since its start."""

    @property
    def logs_since_s(self) -> float | None:
        return self._since_s

    def fetch_journals(self, into: Path) -> list[str]:
        self._parts.write(into)
        return []
