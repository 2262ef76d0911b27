"""After a restart: the names of tasks of which a worker may hold an attempt that nobody knows.

A task that is given before it is durable (ledger.py) may be forgotten by a crash, while its worker holds it
under a lease. Submitted again it must not be given to another one: not before all who were connected have
spoken, and if one of them claimed it, not before the last lease of the life before is over.
"""

from __future__ import annotations

from coordinator.session import NEVER_NS, TaskState


class RecoveryHolds:
    """Until `until_ns`, which tasks must wait although their turn may have come; none at other times."""

    def __init__(self) -> None:
        self.until_ns = 0
        self._all_reported = True
        self._unreported: set[str] = set()
        self._claimed: set[str] = set()
        self._held: list[TaskState] = []

    def due_ns(self) -> int:
        """When `end` is due: not before all spoke. NEVER_NS where there are no doubts."""
        return self.until_ns if self.until_ns and self._all_reported else NEVER_NS

    def begin(self, until_ns: int) -> None:
        """A restart: by `until_ns` no lease of the life before lasts any more."""
        self.until_ns = until_ns
        self._all_reported = False

    def add_submitted(self, name: str) -> None:
        """A task came that may be given at once, and may have been given at once before."""
        if not self._all_reported:
            self._unreported.add(name)

    def add_claim(self, name: str) -> None:
        """A worker holds an attempt of a task that nobody knows. It is told to stop; when it hears so, who
        knows.
        """
        if self.until_ns:
            self._claimed.add(name)

    def covers(self, name: str) -> bool:
        """Whether a task of this name must wait."""
        return name in self._unreported or name in self._claimed

    def add(self, task: TaskState) -> None:
        """The task waits until the doubt about it is over."""
        self._held.append(task)

    def all_reported(self) -> list[TaskState]:
        """Who may hold an attempt said so, or lost it; returns those about whom no doubt is left."""
        self._all_reported = True
        self._unreported.clear()
        return self._take_released()

    def end(self) -> list[TaskState]:
        """No lease of the life before lasts any more; returns those that were kept."""
        self.until_ns = 0
        self._claimed.clear()
        return self.all_reported()

    def check(self) -> None:
        """Raise AssertionError where something is kept that no doubt covers. O(tasks kept); for tests and
        simulations.
        """
        assert all(self.covers(task.row.task_id) for task in self._held), "a task is kept without a doubt"
        assert self.until_ns or not self._claimed, "a claim outlives all doubts"
        assert not (self._all_reported and self._unreported), "all spoke, and a task is still unheard of"

    def _take_released(self) -> list[TaskState]:
        free = [task for task in self._held if not self.covers(task.row.task_id)]
        self._held = [task for task in self._held if self.covers(task.row.task_id)]
        return free
