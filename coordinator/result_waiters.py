"""Pending result requests. Resolves each request once its results are durable."""

from __future__ import annotations

import asyncio
import contextlib
from bisect import bisect_right
from dataclasses import dataclass, field
from itertools import accumulate

from coordinator.rows import ResultRow, Row
from wire.control import ANSWER_BYTES

RESULTS_MAX = 100_000
"""Results that may be waited for at a time."""
KEPT_MAX_BYTES = 64 * 1024 * 1024
"""Outputs of results whose requests wait for others. A result beyond it is not kept, and is read from the
disk when it is requested again.
"""


def within(rows: list[ResultRow], limit_bytes: int) -> list[ResultRow]:
    """Return the first of `rows` whose outputs have `limit_bytes` together at the most."""
    taken = list(accumulate(len(row.output) for row in rows))
    return rows[: bisect_right(taken, limit_bytes)]


@dataclass(slots=True, eq=False)
class _Waiter:
    """One pending request: the number of missing results, and `ready`, which resolves when it is 0."""

    missing: int
    ready: asyncio.Future[None]
    rows: list[ResultRow] = field(default_factory=list)
    kept_bytes: int = 0


class ResultWaiters:
    """Pending requests by the name of the task. Belongs to one event loop."""

    def __init__(self, limit: int = RESULTS_MAX, limit_bytes: int = KEPT_MAX_BYTES) -> None:
        self._limit = limit
        self._limit_bytes = limit_bytes
        self._kept_bytes = 0
        self._by_task: dict[str, list[_Waiter]] = {}
        self._count = 0

    def has_room(self, more: int) -> bool:
        """Return whether `more` results can be waited for."""
        return self._count + more <= self._limit

    def on_stored(self, rows: list[Row]) -> None:
        """Process rows that became durable."""
        if not self._by_task:
            return
        for row in rows:
            if type(row) is ResultRow:
                for waiter in self._by_task.get(row.task_id, ()):
                    self._keep(waiter, row)
                    waiter.missing -= 1
                    if not waiter.missing and not waiter.ready.done():
                        waiter.ready.set_result(None)

    async def wait(self, task_ids: list[str], wait_ms: int) -> list[ResultRow]:
        """Return the results of these tasks (each named once) that become durable within `wait_ms` from this
        call, as soon as all have.
        """
        if not task_ids:
            return []
        waiter = _Waiter(len(task_ids), asyncio.get_running_loop().create_future())
        for task_id in task_ids:
            self._by_task.setdefault(task_id, []).append(waiter)
        self._count += len(task_ids)
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait_ms / 1000):
                    await waiter.ready
        finally:
            self._count -= len(task_ids)
            self._kept_bytes -= waiter.kept_bytes
            for task_id in task_ids:
                self._forget(task_id, waiter)
        return waiter.rows

    def _keep(self, waiter: _Waiter, row: ResultRow) -> None:
        size_bytes = len(row.output)
        if (
            waiter.kept_bytes + size_bytes <= ANSWER_BYTES
            and self._kept_bytes + size_bytes <= self._limit_bytes
        ):
            waiter.rows.append(row)
            waiter.kept_bytes += size_bytes
            self._kept_bytes += size_bytes

    def _forget(self, task_id: str, waiter: _Waiter) -> None:
        waiting = self._by_task[task_id]
        waiting.remove(waiter)
        if not waiting:
            del self._by_task[task_id]
