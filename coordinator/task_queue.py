"""Tasks that wait for a worker, served by priority."""

from __future__ import annotations

from collections import defaultdict

from coordinator.session import TaskPhase, TaskState
from wire.priority import Priority, PriorityQueue


class TaskQueue:
    """A priority queue of tasks, and its true length: a task that was adopted meanwhile stays in its lane
    until its turn, and is skipped. Within a priority, tasks are served in the order of submission, also those
    that return after a loss or a restart.

    Held tasks wait too, and are not served before their release.
    """

    def __init__(self) -> None:
        self._queue: PriorityQueue[TaskState] = PriorityQueue(number=_number)
        self._held: dict[Priority, list[tuple[int, TaskState]]] = {priority: [] for priority in Priority}
        self._depths = dict.fromkeys(Priority, 0)
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def put(self, task: TaskState, now_ns: int) -> None:
        """Queue a new task behind the others of its priority."""
        self.enter(task, now_ns)
        self._queue.put(task, task.row.priority, now_ns)

    def enter(self, task: TaskState, now_ns: int) -> None:
        """Add a new task that is not served before `release`."""
        task.queued_ns = now_ns
        self._add(task)

    def release(self, task: TaskState) -> None:
        """Let an entered task be served, before those that came after it; one that was adopted meanwhile is
        skipped at its turn.
        """
        self._queue.put_back(task, task.row.priority, task.queued_ns)

    def put_back(self, task: TaskState) -> None:
        """Queue a task again, ahead of those that came after it."""
        self._add(task)
        self._queue.put_back(task, task.row.priority, task.queued_ns)

    def put_held(self, tasks: list[TaskState], now_ns: int) -> None:
        """Add tasks, in this order, that are not served before `release_held`. There may be a million of them
        after a restart.
        """
        waits = TaskPhase.waiting
        by_priority: defaultdict[Priority, list[tuple[int, TaskState]]] = defaultdict(list)
        for task in tasks:
            task.phase, task.queued_ns = waits, now_ns
            by_priority[task.row.priority].append((now_ns, task))
        for priority, held in by_priority.items():
            self._held[priority] += held
            self._depths[priority] += len(held)
        self._length += len(tasks)

    def release_held(self) -> None:
        """Let held tasks be served, each before those that came after it; one that was adopted meanwhile is
        skipped at its turn.
        """
        for priority, held in self._held.items():
            self._queue.put_back_all(held, priority)
            held.clear()

    def take(self, now_ns: int) -> TaskState | None:
        """Remove and return the next task; None when there is none."""
        while (task := self._queue.take(now_ns)) is not None:
            if task.phase is TaskPhase.waiting:
                self.remove(task)
                return task
        return None

    def remove(self, task: TaskState) -> None:
        """Remove a task that waits no more."""
        task.phase = TaskPhase.assigned
        self._depths[task.row.priority] -= 1
        self._length -= 1

    def depths(self) -> dict[str, int]:
        """Return the numbers of waiting tasks, by the priority's name."""
        return {priority.name: depth for priority, depth in self._depths.items()}

    def queued(self) -> list[TaskState]:
        """Return the tasks that may be served now, lane by lane in their order. O(tasks); for tests and
        simulations.
        """
        if not self._length:
            return []
        return [task for task in self._queue if task.phase is TaskPhase.waiting]

    def check(self) -> None:
        """Raise AssertionError where the counts disagree. O(tasks); `Ledger.check` counts by phase."""
        self._queue.check()
        assert self._length == sum(self._depths.values()), f"{self._length} tasks wait, not {self._depths}"
        assert min(self._depths.values()) >= 0, f"depths are {self._depths}"

    def _add(self, task: TaskState) -> None:
        task.phase = TaskPhase.waiting
        self._depths[task.row.priority] += 1
        self._length += 1


def _number(task: TaskState) -> int:
    return task.row.number
