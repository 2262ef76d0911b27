"""Who waits for results: each is handed over once it is durable, to all who asked before."""

from __future__ import annotations

import asyncio

from coordinator.rows import ResultRow, Row

AWAITED_MAX = 100_000
"""So many results may be waited for at a time."""


class Awaited:
    """The results that somebody waits for, by the name of the task. Belongs to one event loop."""

    def __init__(self, most: int = AWAITED_MAX) -> None:
        self._most = most
        self._by_task: dict[str, list[asyncio.Future[ResultRow]]] = {}
        self._count = 0

    def has_room(self, more: int) -> bool:
        """Whether `more` results can be waited for."""
        return self._count + more <= self._most

    def stored(self, rows: list[Row]) -> None:
        """These rows are durable."""
        if self._by_task:
            for row in rows:
                if type(row) is ResultRow:
                    for future in self._by_task.get(row.task_id, ()):
                        future.set_result(row)

    async def wait(self, task_ids: list[str], wait_ms: int) -> list[ResultRow]:
        """The results of these tasks that become durable within `wait_ms` from this call, or sooner: once
        all are there.
        """
        loop = asyncio.get_running_loop()
        futures = {task_id: loop.create_future() for task_id in task_ids}
        for task_id, future in futures.items():
            self._by_task.setdefault(task_id, []).append(future)
        self._count += len(futures)
        try:
            if futures:
                await asyncio.wait(futures.values(), timeout=wait_ms / 1000)
        finally:
            self._count -= len(futures)
            for task_id, future in futures.items():
                self._forget(task_id, future)
        return [future.result() for future in futures.values() if future.done()]

    def _forget(self, task_id: str, future: asyncio.Future[ResultRow]) -> None:
        waiting = self._by_task[task_id]
        waiting.remove(future)
        if not waiting:
            del self._by_task[task_id]
