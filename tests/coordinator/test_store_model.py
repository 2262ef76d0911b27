"""The store against a plain one in memory, with rows in any batches, through restarts."""

from __future__ import annotations

import hashlib
import sqlite3
import tempfile
from pathlib import Path

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

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
    TaskRow,
)
from coordinator.store import SqliteStore
from tests.simulation.memory_store import MemoryStore
from wire.messages import Checkpoint
from wire.priority import Priority

MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None
"""What is on a disk is for others to show: here it would only make a sync last."""
KINDS = (
    "task", "task", "attempt", "checkpoint", "checkpoint", "result", "session", "session", "received",
    "received", "presence", "presence", "end", "release", "commit", "commit", "commit", "restart", "restart",
)  # fmt: skip
ACTS = st.lists(st.tuples(st.sampled_from(KINDS), st.integers(1, 2)), min_size=30, max_size=80)


class Course:
    """Draws rows that a coordinator may write: counts only grow, and a missing row is not changed."""

    def __init__(self) -> None:
        self.count = 0
        self.tasks: set[int] = set()
        self.done: set[int] = set()
        self.checkpointed: set[int] = set()
        self.sessions: set[str] = set()
        self.ended: set[str] = set()

    def row(self, act: str, number: int) -> Row | None:
        self.count += 1
        name, session = f"task-{number}", f"session-{number}"
        is_open = number in self.tasks - self.done
        if act == "task" and number not in self.tasks:
            self.tasks.add(number)
            return TaskRow(number, name, "noop", b"{}", Priority.low, 1, 2, 3, retry_errors=True)
        if act == "attempt" and is_open:
            return AttemptRow(
                number, name, self.count, session, self.count, self.count, self.count % 2 == 0, self.count
            )
        if act == "checkpoint" and is_open:
            self.checkpointed.add(number)
            state = str(self.count).encode()
            checkpoint = Checkpoint(self.count, state, hashlib.sha256(state).digest())
            return CheckpointRow(number, name, self.count, "w", checkpoint)
        if act == "result" and is_open:
            self.done.add(number)
            outcome = "failed" if self.count % 3 == 0 else "completed"
            return ResultRow(number, name, self.count, "w", outcome, "", b"", self.count, 1, 2, 3)
        if act == "session" and session not in self.sessions | self.ended:
            self.sessions.add(session)
            return SessionRow(session, f"worker-{number}", f"life-{self.count}")
        if session in self.sessions:
            return self._session_row(act, session)
        return ReleaseRow(self.count) if act == "release" else None

    def _session_row(self, act: str, session: str) -> Row | None:
        if act == "received":
            return ReceivedRow(session, self.count)
        if act == "presence":
            return PresenceRow(session, self.count, self.count % 2 == 0)
        if act == "end":
            self.sessions.discard(session)
            self.ended.add(session)
            return SessionEndRow(session)
        return None


def kept(recovered: Recovered) -> Recovered:
    """Return the part that a restart restores, in one order. (`recent` is for the journal alone.)"""
    sessions = sorted(recovered.sessions, key=lambda session: session.session)
    return msgspec.structs.replace(recovered, sessions=sessions, recent=[], secret=b"")


def rows_left(path: Path, table: str) -> set[int]:
    with sqlite3.connect(path) as database:
        return {number for (number,) in database.execute(f"SELECT number FROM {table}")}


@settings(max_examples=30, deadline=None)
@given(ACTS)
def test_the_disk_holds_what_a_plain_one_holds(acts: list[tuple[str, int]]) -> None:
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        path = Path(folder) / "store.db"
        real, plain, course, batch = SqliteStore(path), MemoryStore(), Course(), list[Row]()
        assert kept(real.load()) == kept(plain.load())
        for act, number in [*acts, ("commit", 0), ("commit", 0)]:
            if act == "restart":
                real.commit(batch)
                plain.commit(batch)
                assert kept(real.load()) == kept(plain.load())
                batch = []
            elif act == "commit":
                real.commit(batch)
                plain.commit(batch)
                batch = []
            elif (row := course.row(act, number)) is not None:
                batch.append(row)
        assert rows_left(path, "checkpoints") == course.checkpointed - course.done
        assert rows_left(path, "tasks") == course.tasks
        assert rows_left(path, "results") == course.done
        found = real.results_of(sorted(course.tasks))
        assert found == sorted(plain.results.values(), key=lambda row: row.number)
        real.close()
