"""Load on a lab outside of runs, for a duration or until Ctrl-C."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from driver.background import background
from driver.errors import InterruptedCommandError, NoLabError
from driver.histories.history import DRIVER
from driver.interrupts import interruptible
from driver.reference.coordinator_client import CoordinatorClient
from driver.reference.errors import CoordinatorError
from driver.reference.labs.lab import Lab
from driver.reference.load_generator import LoadGenerator
from driver.reference.workload import Workload, generate
from driver.terminal import ProgressView, Terminal
from wire.control import CoordinatorState, TaskCounts, TaskSpec
from wire.events import Journal

POLL_S = 0.5
DONE_WITHIN_S = 60.0
"""Limit of the wait for open tasks after the last submission."""


@dataclass
class LoadCounts:
    """Counts of a load's tasks. `done`, `failed` and `left` include tasks of concurrent loads."""

    accepted: int = 0
    refused: int = 0
    done: int = 0
    failed: int = 0
    left: int = 0
    lasted_s: float = 0.0


def default_workload(rate: str) -> Workload:
    """Return the default mix of short tasks, at a rate such as `50/s`. Raises ValueError for other texts."""
    kinds = [
        {"kind": "sleep", "share": "60%", "params": {"sleep_ms": "20..200"}, "payload": "4KiB"},
        {"kind": "noop", "share": "40%", "payload": "4KiB"},
    ]
    return Workload.model_validate({"rate": rate, "kinds": kinds})


class ManualLoad:
    """One load on one lab, for `for_s` seconds. `ends` is False where only Ctrl-C is to end it."""

    def __init__(self, lab: Lab, workload: Workload, for_s: float, ends: bool, terminal: Terminal) -> None:
        self._lab = lab
        self._workload = workload
        self._for_s = for_s
        self._ends = ends
        self._terminal = terminal
        self._counts = LoadCounts()
        self._zero_ns = time.monotonic_ns()

    async def run(self, seed: int) -> LoadCounts:
        """Submit tasks, then wait until all are done; Ctrl-C ends both. Returns the counts.

        Raises CoordinatorError where the coordinator does not answer at the begin, and EngineError.
        """
        async with self._lab.coordinator() as coordinator:
            before = (await coordinator.state()).counts
            self._zero_ns = time.monotonic_ns()
            tasks = _renamed(generate(self._workload, seed, self._for_s, self._zero_ns))
            # Reports are made of runs and faults: nothing reads the events of a manual load.
            dropped = Journal(DRIVER, lambda _: None, time.monotonic_ns, time.time)
            load = LoadGenerator(coordinator, dropped, tasks, self._for_s + DONE_WITHIN_S)
            try:
                await interruptible(self._work(coordinator, load, before), lambda _: None)
            except InterruptedCommandError:
                self._terminal.info("Ending the load.")
            except NoLabError as error:
                self._terminal.info(f"{error.sentence} Ending the load.")
            self._counts.accepted, self._counts.refused = load.accepted, load.refused
        self._terminal.clear()
        self._counts.lasted_s = (time.monotonic_ns() - self._zero_ns) / 1e9
        return self._counts

    async def _work(self, coordinator: CoordinatorClient, load: LoadGenerator, before: TaskCounts) -> None:
        async with background(self._watch(coordinator, load, before)):
            await load.run(self._zero_ns)
            deadline = time.monotonic() + DONE_WITHIN_S
            while self._counts.left or self._counts.done + self._counts.failed < load.accepted:
                if time.monotonic() > deadline:
                    return
                await asyncio.sleep(POLL_S)

    async def _watch(self, coordinator: CoordinatorClient, load: LoadGenerator, before: TaskCounts) -> None:
        while True:
            try:
                state = await coordinator.state()
            except CoordinatorError:
                # It may be under a fault: the load generator repeats its submissions.
                await asyncio.to_thread(self._raise_if_replaced)
                self._terminal.show(ProgressView("the coordinator does not answer"))
            else:
                self._count(state, load, before)
            await asyncio.sleep(POLL_S)

    def _raise_if_replaced(self) -> None:
        """Raise NoLabError when the lab is gone or was replaced by another one of its name."""
        spec = self._lab.engine.existing_spec()
        if spec is None or spec.control_token != self._lab.spec.control_token:
            raise NoLabError(f"The lab {self._lab.engine.project!r} was taken down.")

    def _count(self, state: CoordinatorState, load: LoadGenerator, before: TaskCounts) -> None:
        tasks, counts = state.counts, self._counts
        counts.done, counts.failed = tasks.completed - before.completed, tasks.failed - before.failed
        counts.left = tasks.waiting + tasks.assigned
        left_s = self._for_s - (time.monotonic_ns() - self._zero_ns) / 1e9
        rate = f"{self._workload.rate_per_s:g} tasks a second"
        phase = "waiting for the last tasks" if load.finished else rate
        view = ProgressView(phase, clients=len(state.workers), done=counts.done, submitted=load.accepted)
        view.connected = sum(worker.state == "connected" for worker in state.workers)
        view.failed, view.left_s = counts.failed, left_s if self._ends and not load.finished else None
        self._terminal.show(view)


def _renamed(tasks: Iterator[tuple[float, TaskSpec]]) -> Iterator[tuple[float, TaskSpec]]:
    """Yield the tasks under ids of this load alone: the coordinator accepts each id once."""
    load = f"load-{secrets.token_hex(3)}"
    for at_s, task in tasks:
        yield at_s, msgspec.structs.replace(task, task_id=f"{load}-{task.task_id.removeprefix('task-')}")
