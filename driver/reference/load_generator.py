"""Open-loop load generator: submits tasks when they are due, and repeats a submission without an answer."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Iterator
from typing import Protocol

from driver.reference.errors import CoordinatorError
from driver.reference.load_events import SubmitFailed, SubmitGivenUp, TasksAccepted, TasksRefused
from wire.control import SubmissionReply, TaskSpec
from wire.events import Journal

TICK_S = 0.02
SENDERS = 4
BATCH_TASKS = 500
BATCH_BYTES = 4 << 20
FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 1.0
LATE_S = 0.1
"""Delay between a task's due time and its readiness, beyond which the driver journals its own delay."""


class TaskSubmitter(Protocol):
    """Part of the coordinator's client that submits tasks."""

    async def submit(self, tasks: list[TaskSpec]) -> SubmissionReply:
        """Submit tasks. Repeating is safe. Raises CoordinatorError."""


class LoadGenerator:
    """Generates the load of one run.

    `tasks` yields (seconds after the start, task) in order of time. A batch without an answer is given up
    `give_up_s` seconds after the start. `accepted` and `refused` count tasks; `finished` is True once all are
    answered or given up, which is all that are due until `end` if it is called.
    """

    def __init__(
        self,
        coordinator: TaskSubmitter,
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
        self._sending: list[list[TaskSpec]] = []
        self._all_due = False
        self._is_over = False
        self.finished = False
        self.accepted = 0
        self.refused = 0

    async def run(self, zero_ns: int) -> None:
        """Submit every task at its time after `zero_ns` (CLOCK_MONOTONIC); return once all have an outcome.

        Raises a group with the LabError of a journal that cannot be written.
        """
        async with asyncio.TaskGroup() as group:
            for _ in range(SENDERS):
                group.create_task(self._send(zero_ns))
            await self._collect_due(zero_ns)
            self._all_due = True
            self._wake.set()
        self.finished = True

    def end(self) -> None:
        """Let no further task become due."""
        self._is_over = True

    def is_answered(self, at_ns: int) -> bool:
        """Return whether every task that was due by an instant has an outcome."""
        waiting = [batch[0] for batch in self._sending] + [*self._due][:1]
        return not any(task.intended_ns <= at_ns for task in waiting)

    async def _collect_due(self, zero_ns: int) -> None:
        upcoming = next(self._tasks, None)
        while upcoming is not None and not self._is_over:
            now_ns = time.monotonic_ns()
            now_s = (now_ns - zero_ns) / 1e9
            while upcoming is not None and upcoming[0] <= now_s:
                self._due.append(upcoming[1])
                if now_s - upcoming[0] > LATE_S:
                    self._late[upcoming[1].task_id] = now_ns
                upcoming = next(self._tasks, None)
            if self._due:
                self._wake.set()
            await asyncio.sleep(TICK_S)

    async def _send(self, zero_ns: int) -> None:
        while True:
            if batch := self._batch():
                self._sending.append(batch)
                await self._deliver(batch, zero_ns)
                self._sending.remove(batch)
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
        """Submit one batch until it is answered: it may have been accepted also without an answer."""
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
        accepted = [task for task in batch if task.task_id not in refused]
        self.accepted += len(accepted)
        self.refused += len(refused)
        if accepted:
            self._journal(
                TasksAccepted,
                tasks=[task.task_id for task in accepted],
                intended_ns=[task.intended_ns for task in accepted],
                known=answer.known,
                took_ms=took_ms,
                noticed_ns=self._noticed(accepted),
            )
        for task in batch:
            self._late.pop(task.task_id, None)
        if refused:
            self._journal(TasksRefused, tasks=list(refused), because=list(refused.values()))

    def _noticed(self, tasks: list[TaskSpec]) -> list[int]:
        """Return when each delayed task was ready, 0 for a timely one; empty when all were timely."""
        if not any(task.task_id in self._late for task in tasks):
            return []
        return [self._late.get(task.task_id, 0) for task in tasks]
