"""Traffic for a lab that was started by hand: the load of runs, for some time or until Ctrl-C."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from driver.background import background
from driver.errors import CoordinatorError, InterruptedCommandError, NoLabError
from driver.histories.history import DRIVER
from driver.interrupts import interruptible
from driver.labs.coordinator_client import CoordinatorClient
from driver.labs.lab import Lab
from driver.labs.load_generator import Load
from driver.scenarios.workload import Workload, generate
from driver.terminal import ProgressView, Terminal
from wire.control import CoordinatorState, TaskCounts, TaskSpec
from wire.events import Journal

POLL_S = 0.5
DONE_WITHIN_S = 60.0
"""So long it waits for tasks that are not done when the last one is handed in."""


@dataclass
class Handed:
    """What became of a load. `done`, `failed` and `left` are the lab's: of every load that it has."""

    accepted: int = 0
    refused: int = 0
    done: int = 0
    failed: int = 0
    left: int = 0
    lasted_s: float = 0.0


def usual_workload(rate: str) -> Workload:
    """The usual mix of short tasks, at this rate. Raises ValueError for a rate that cannot be."""
    kinds = [
        {"kind": "sleep", "share": "60%", "params": {"sleep_ms": "20..200"}, "payload": "4KiB"},
        {"kind": "noop", "share": "40%", "payload": "4KiB"},
    ]
    return Workload.model_validate({"rate": rate, "kinds": kinds})


class LoadByHand:
    """One load on one lab. `ends` says whether its time is its own, or Ctrl-C is what ends it."""

    def __init__(self, lab: Lab, workload: Workload, for_s: float, ends: bool, terminal: Terminal) -> None:
        self._lab = lab
        self._workload = workload
        self._for_s = for_s
        self._ends = ends
        self._terminal = terminal
        self._handed = Handed()
        self._zero_ns = time.monotonic_ns()

    async def run(self, seed: int) -> Handed:
        """Hand tasks in, then wait until all are done; Ctrl-C ends both. Raises CoordinatorError."""
        async with self._lab.coordinator() as coordinator:
            before = (await coordinator.state()).counts
            self._zero_ns = time.monotonic_ns()
            tasks = _named(generate(self._workload, seed, self._for_s, self._zero_ns))
            # Receipts and reports are made of runs and of faults: nothing reads what a load by hand notes.
            unkept = Journal(DRIVER, lambda _: None, time.monotonic_ns, time.time)
            load = Load(coordinator, unkept, tasks, self._for_s + DONE_WITHIN_S)
            try:
                await interruptible(self._work(coordinator, load, before), lambda _: None)
            except InterruptedCommandError:
                self._terminal.info("Ending the load.")
            except NoLabError as error:
                self._terminal.info(f"{error.sentence} Ending the load.")
            self._handed.accepted, self._handed.refused = load.accepted, load.refused
        self._terminal.clear()
        self._handed.lasted_s = (time.monotonic_ns() - self._zero_ns) / 1e9
        return self._handed

    async def _work(self, coordinator: CoordinatorClient, load: Load, before: TaskCounts) -> None:
        async with background(self._watch(coordinator, load, before)):
            await load.run(self._zero_ns)
            deadline = time.monotonic() + DONE_WITHIN_S
            while self._handed.left or self._handed.done + self._handed.failed < load.accepted:
                if time.monotonic() > deadline:
                    return
                await asyncio.sleep(POLL_S)

    async def _watch(self, coordinator: CoordinatorClient, load: Load, before: TaskCounts) -> None:
        while True:
            try:
                state = await coordinator.state()
            except CoordinatorError:
                # It may be under a fault of its own; the load goes on, and hands the same tasks in again.
                await asyncio.to_thread(self._refuse_another_lab)
                self._terminal.show(ProgressView("the coordinator does not answer"))
            else:
                self._take(state, load, before)
            await asyncio.sleep(POLL_S)

    def _refuse_another_lab(self) -> None:
        """Raise NoLabError when the lab is gone, or another one of its name is up."""
        found = self._lab.engine.existing_spec()
        if found is None or found.control_token != self._lab.spec.control_token:
            raise NoLabError(f"The lab {self._lab.engine.project!r} was taken down.")

    def _take(self, state: CoordinatorState, load: Load, before: TaskCounts) -> None:
        handed, counts = self._handed, state.counts
        handed.done, handed.failed = counts.completed - before.completed, counts.failed - before.failed
        handed.left = counts.waiting + counts.assigned
        left_s = self._for_s - (time.monotonic_ns() - self._zero_ns) / 1e9
        rate = f"{self._workload.rate_per_s:g} tasks a second"
        phase = "waiting for the last tasks" if load.finished else rate
        board = ProgressView(phase, workers=len(state.workers), done=handed.done, submitted=load.accepted)
        board.connected = sum(worker.state == "connected" for worker in state.workers)
        board.failed, board.left_s = handed.failed, left_s if self._ends and not load.finished else None
        self._terminal.show(board)


def _named(tasks: Iterator[tuple[float, TaskSpec]]) -> Iterator[tuple[float, TaskSpec]]:
    """The tasks under names that no other load gives: the coordinator takes each name once."""
    load = f"load-{secrets.token_hex(3)}"
    for at_s, task in tasks:
        yield at_s, msgspec.structs.replace(task, task_id=f"{load}-{task.task_id.removeprefix('task-')}")
