"""Tasks to hold back after a restart, because a worker may hold an attempt that the store does not
have.

A task that is assigned before it is durable (ledger.py) may be lost in a crash while its worker holds
it under a lease. When it is submitted again, it must not be assigned to another worker before all
sessions that were connected have reported, and if one of them reported the task, before the last
lease of the previous life is over.
"""

from __future__ import annotations

from coordinator.session import NEVER_NS, TaskState


class RecoveryHolds:
    """Tasks that must wait until `until_ns` although their turn may have come; none at other times."""

    def __init__(self) -> None:
        self.until_ns = 0
        self._all_reported = True
        self._unreported: set[str] = set()
        self._claimed: set[str] = set()
        self._held: list[TaskState] = []

    def due_ns(self) -> int:
        """Return the time at which `end` is due, once all sessions have reported. NEVER_NS where nothing is
        held.
        """
        return self.until_ns if self.until_ns and self._all_reported else NEVER_NS

    def begin(self, until_ns: int) -> None:
        """Begin after a restart: by `until_ns` every lease of the previous life is over."""
        self.until_ns = until_ns
        self._all_reported = False

    def add_submitted(self, name: str) -> None:
        """Record a submitted task that may be assigned at once, and may have been assigned at once before."""
        if not self._all_reported:
            self._unreported.add(name)

    def add_claim(self, name: str) -> None:
        """Record an attempt whose task is unknown. It is revoked; the time at which it stops is unknown."""
        if self.until_ns:
            self._claimed.add(name)

    def covers(self, name: str) -> bool:
        """Return whether a task of this name must wait."""
        return name in self._unreported or name in self._claimed

    def add(self, task: TaskState) -> None:
        """Hold `task` until its name is free."""
        self._held.append(task)

    def all_reported(self) -> list[TaskState]:
        """Record that every restored session has reported its attempts or ended; return the tasks that are
        free now.
        """
        self._all_reported = True
        self._unreported.clear()
        return self._take_released()

    def end(self) -> list[TaskState]:
        """Record that every lease of the previous life is over; return all held tasks."""
        self.until_ns = 0
        self._claimed.clear()
        return self.all_reported()

    def check(self) -> None:
        """Raise AssertionError where a task is held without a reason. O(held tasks); for tests and
        simulations.
        """
        assert all(self.covers(task.row.task_id) for task in self._held), "a task is held without a reason"
        assert self.until_ns or not self._claimed, "a claim outlives its hold"
        assert not (self._all_reported and self._unreported), "all reported, and a task is still unreported"

    def _take_released(self) -> list[TaskState]:
        free = [task for task in self._held if not self.covers(task.row.task_id)]
        self._held = [task for task in self._held if self.covers(task.row.task_id)]
        return free
