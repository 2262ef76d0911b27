"""Hands tasks to the coordinator when they are due: open-loop, and under the same ids until answered."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Iterator
from typing import Protocol

from driver.errors import CoordinatorError
from driver.histories.events import SubmitFailed, SubmitGivenUp, TasksAccepted, TasksRefused
from wire.control import SubmissionReply, TaskSpec
from wire.events import Journal

TICK_S = 0.02
SENDERS = 4
BATCH_TASKS = 500
BATCH_BYTES = 4 << 20
FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 1.0
LATE_S = 0.1
"""A task that is ready so much later than it was due was late by the driver's own doing."""


class Coordinator(Protocol):
    """What the load needs of the coordinator."""

    async def submit(self, tasks: list[TaskSpec]) -> SubmissionReply:
        """Hand in tasks; the same again does no harm. Raises CoordinatorError."""


class Load:
    """The load of one run. `tasks` gives (seconds after the start, task), in order of time."""

    def __init__(
        self,
        coordinator: Coordinator,
        journal: Journal,
        tasks: Iterator[tuple[float, TaskSpec]],
        give_up_s: float,
    ) -> None:
        self._coordinator = coordinator
        self._journal = journal
        self._tasks = tasks
        self._give_up_s = give_up_s
        self._due: deque[TaskSpec] = deque()
        self._late: dict[str, int] = {}
        self._wake = asyncio.Event()
        self._all_due = False
        self.finished = False
        self.accepted = 0
        self.refused = 0

    async def run(self, zero_ns: int) -> None:
        """Send everything at its time after `zero_ns`; return when all is answered for, or given up."""
        async with asyncio.TaskGroup() as group:
            for _ in range(SENDERS):
                group.create_task(self._send(zero_ns))
            await self._become_due(zero_ns)
            self._all_due = True
            self._wake.set()
        self.finished = True

    async def _become_due(self, zero_ns: int) -> None:
        waiting = next(self._tasks, None)
        while waiting is not None:
            now_ns = time.monotonic_ns()
            now_s = (now_ns - zero_ns) / 1e9
            while waiting is not None and waiting[0] <= now_s:
                self._due.append(waiting[1])
                if now_s - waiting[0] > LATE_S:
                    self._late[waiting[1].task_id] = now_ns
                waiting = next(self._tasks, None)
            if self._due:
                self._wake.set()
            await asyncio.sleep(TICK_S)

    async def _send(self, zero_ns: int) -> None:
        while True:
            if batch := self._batch():
                await self._deliver(batch, zero_ns)
            elif self._all_due:
                return
            else:
                self._wake.clear()
                await self._wake.wait()

    def _batch(self) -> list[TaskSpec]:
        batch: list[TaskSpec] = []
        size = 0
        while self._due and len(batch) < BATCH_TASKS and size < BATCH_BYTES:
            task = self._due.popleft()
            size += len(bytes(task.params))
            batch.append(task)
        return batch

    async def _deliver(self, batch: list[TaskSpec], zero_ns: int) -> None:
        """Send one batch until it is answered; a coordinator that stayed silent may have it already."""
        pause_s, attempt = FIRST_PAUSE_S, 0
        while True:
            attempt += 1
            began_ns = time.monotonic_ns()
            try:
                answer = await self._coordinator.submit(batch)
            except CoordinatorError as error:
                self._journal(SubmitFailed, tasks=len(batch), attempt=attempt, detail=error.sentence)
            else:
                self._record(batch, answer, (time.monotonic_ns() - began_ns) / 1e6)
                return
            if (time.monotonic_ns() - zero_ns) / 1e9 > self._give_up_s:
                self._journal(SubmitGivenUp, tasks=[task.task_id for task in batch])
                return
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)

    def _record(self, batch: list[TaskSpec], answer: SubmissionReply, took_ms: float) -> None:
        refused = {one.task_id: one.because for one in answer.refused}
        taken = [task for task in batch if task.task_id not in refused]
        self.accepted += len(taken)
        self.refused += len(refused)
        if taken:
            self._journal(
                TasksAccepted,
                tasks=[task.task_id for task in taken],
                intended_ns=[task.intended_ns for task in taken],
                known=answer.known,
                took_ms=took_ms,
                noticed_ns=self._noticed(taken),
            )
        for task in batch:
            self._late.pop(task.task_id, None)
        if refused:
            self._journal(TasksRefused, tasks=list(refused), because=list(refused.values()))

    def _noticed(self, tasks: list[TaskSpec]) -> list[int]:
        """When late tasks were ready to be sent, 0 for one in time; empty when all were."""
        if not any(task.task_id in self._late for task in tasks):
            return []
        return [self._late.get(task.task_id, 0) for task in tasks]
