"""A disk in memory: what was committed survives the process, what was only asked for does not."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from coordinator.rows import (
    AttemptRow,
    CheckpointRow,
    PresenceRow,
    ReceivedRow,
    Recovered,
    ReleaseRow,
    ResultRow,
    Row,
    SessionEndRow,
    SessionRow,
    StoredSession,
    TaskRow,
)
from tests.simulation.books import shrunk
from tests.simulation.breach import BrokenError
from wire.messages import Checkpoint

RECENT = 50
SECRET = bytes(range(32, 64))


class MemoryStore:
    """A coordinator.rows.RowStore; a commit is a loop over plain dictionaries, and cannot be torn."""

    def __init__(self) -> None:
        self.epoch = self.released = 0
        self.tasks: dict[str, TaskRow] = {}
        self.results: dict[str, ResultRow] = {}
        self.attempts: dict[str, AttemptRow] = {}
        self.checkpoints: dict[str, Checkpoint] = {}
        self.sessions: dict[str, StoredSession] = {}
        self._recent: list[TaskRow | ResultRow] = []

    def load(self) -> Recovered:
        """A new epoch, and what is kept."""
        self.epoch += 1
        open_tasks = [task for task in self.tasks.values() if task.task_id not in self.results]
        names = {task.task_id for task in open_tasks}
        outcomes = [result.outcome for result in self.results.values()]
        return Recovered(
            epoch=self.epoch,
            secret=SECRET,
            tasks=sorted(open_tasks, key=lambda task: task.number),
            attempts={name: row for name, row in self.attempts.items() if name in names},
            checkpoints={name: kept for name, kept in self.checkpoints.items() if name in names},
            done={name: result.number for name, result in self.results.items()},
            sessions=list(self.sessions.values()),
            next_number=1 + max((task.number for task in self.tasks.values()), default=0),
            completed=outcomes.count("completed"),
            failed=outcomes.count("failed"),
            recent=self._recent[-RECENT:],
            released=self.released,
        )

    def commit(self, rows: list[Row]) -> None:
        """Write all of `rows`."""
        for row in rows:
            if breach := shrunk(self, row):
                raise BrokenError(breach)
            match row:
                case TaskRow():
                    self.tasks[row.task_id] = row
                    self._recent.append(row)
                case AttemptRow():
                    self.attempts[row.task_id] = row
                case ResultRow():
                    assert row.task_id not in self.results, f"two results of {row.task_id} were stored"
                    self.results[row.task_id] = row
                    self._recent.append(row)
                case CheckpointRow():
                    self.checkpoints[row.task_id] = row.checkpoint
                case SessionRow():
                    self.sessions[row.session] = StoredSession(
                        row.session, row.worker, row.incarnation, 0, connected=False
                    )
                case ReceivedRow():
                    self._change(row.session, received=row.sequence)
                case PresenceRow():
                    self._change(row.session, connected=row.connected)
                case ReleaseRow():
                    self.released = row.epoch
                case SessionEndRow():
                    self.sessions.pop(row.session, None)

    def results_of(self, numbers: Sequence[int]) -> list[ResultRow]:
        """The results of the tasks with these numbers."""
        return [row for row in self.results.values() if row.number in numbers]

    def incarnation_of(self, worker: str) -> str:
        """That of the newest session of a worker; "" when it has none."""
        kept = [session.incarnation for session in self.sessions.values() if session.worker == worker]
        return kept[-1] if kept else ""

    def _change(self, session: str, **change: int) -> None:
        known = self.sessions.get(session)
        if known is not None:
            self.sessions[session] = msgspec.structs.replace(known, **change)
