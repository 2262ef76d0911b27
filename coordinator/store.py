"""The durable store: SQLite with a write-ahead log, each batch of rows one transaction that is on the disk when `commit` returns."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable
from pathlib import Path

from coordinator.rows import (
    AttemptRow,
    CheckpointRow,
    ReceivedRow,
    Recovered,
    ResultRow,
    Row,
    SessionEndRow,
    SessionRow,
    StoredSession,
    TaskRow,
)
from wire.messages import Checkpoint
from wire.priority import Priority

_SCHEMA = """
CREATE TABLE IF NOT EXISTS epoch (only INTEGER PRIMARY KEY CHECK (only = 1), epoch INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS tasks (
    number INTEGER PRIMARY KEY, task_id TEXT NOT NULL, kind TEXT NOT NULL, params BLOB NOT NULL, priority INTEGER NOT NULL,
    intended_ns INTEGER NOT NULL, timeout_ms INTEGER NOT NULL, max_attempts INTEGER NOT NULL, retry_errors INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS attempts (
    number INTEGER PRIMARY KEY, token INTEGER NOT NULL, session TEXT NOT NULL, given INTEGER NOT NULL,
    strikes INTEGER NOT NULL, open INTEGER NOT NULL, reached_step INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS results (
    number INTEGER PRIMARY KEY, token INTEGER NOT NULL, worker TEXT NOT NULL, outcome TEXT NOT NULL, error TEXT NOT NULL,
    output BLOB NOT NULL, attempts INTEGER NOT NULL, started_ns INTEGER NOT NULL, ended_ns INTEGER NOT NULL,
    redone_steps INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS checkpoints (
    number INTEGER PRIMARY KEY, token INTEGER NOT NULL, worker TEXT NOT NULL, step INTEGER NOT NULL, state BLOB NOT NULL,
    sha256 BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS sessions (
    session TEXT PRIMARY KEY, worker TEXT NOT NULL, incarnation TEXT NOT NULL, received INTEGER NOT NULL) WITHOUT ROWID;
"""
WAL_PAGES = 4000
"""The log is copied into the database when it has so many pages (16 MiB)."""


class SqliteStore:
    """One writer. Not for two threads at a time; any thread may be the one."""

    def __init__(self, path: Path) -> None:
        self._database = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=5)
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = FULL")
        self._database.execute(f"PRAGMA wal_autocheckpoint = {WAL_PAGES}")
        self._database.executescript(_SCHEMA)

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()

    def commit(self, rows: list[Row]) -> None:
        """Write all of `rows`, or none when it raises sqlite3.Error."""
        by_kind: dict[type, list[Row]] = {}
        for row in rows:
            by_kind.setdefault(type(row), []).append(row)
        self._database.execute("BEGIN IMMEDIATE")
        try:
            for kind, sql, values in _STATEMENTS:
                if kind in by_kind:
                    self._database.executemany(sql, values(by_kind[kind]))
            self._database.execute("COMMIT")
        except BaseException:
            self._database.execute("ROLLBACK")
            raise

    def load(self) -> Recovered:
        """Begin a new epoch, durably, and read back what is kept."""
        self._database.execute("INSERT INTO epoch VALUES (1, 1) ON CONFLICT DO UPDATE SET epoch = epoch + 1")
        tasks = self._tasks()
        outcomes = dict(self._database.execute("SELECT outcome, count(*) FROM results GROUP BY outcome"))
        return Recovered(
            epoch=self._one("SELECT epoch FROM epoch"),
            tasks=tasks,
            attempts=self._attempts(),
            checkpoints=self._checkpoints(),
            done=dict(
                self._database.execute("SELECT task_id, token FROM results JOIN tasks USING (number) ORDER BY number")
            ),
            sessions=[
                StoredSession(*row)
                for row in self._database.execute("SELECT session, worker, incarnation, received FROM sessions")
            ],
            next_number=self._one("SELECT coalesce(max(number), 0) + 1 FROM tasks"),
            completed=outcomes.get("completed", 0),
            failed=outcomes.get("failed", 0),
        )

    def _one(self, sql: str) -> int:
        value = self._database.execute(sql).fetchone()[0]
        assert isinstance(value, int)
        return value

    def _tasks(self) -> list[TaskRow]:
        found = self._database.execute(
            "SELECT t.* FROM tasks t LEFT JOIN results r USING (number) WHERE r.number IS NULL ORDER BY t.number"
        )
        return [
            TaskRow(number, task_id, kind, params, Priority(priority), intended_ns, timeout_ms, max_attempts, bool(retry))
            for number, task_id, kind, params, priority, intended_ns, timeout_ms, max_attempts, retry in found
        ]

    def _attempts(self) -> dict[str, AttemptRow]:
        found = self._database.execute(
            "SELECT number, task_id, token, session, given, strikes, open, reached_step FROM attempts JOIN tasks USING (number)"
            " WHERE number NOT IN (SELECT number FROM results)"
        )
        return {
            task_id: AttemptRow(number, task_id, token, session, given, strikes, bool(is_open), reached_step)
            for number, task_id, token, session, given, strikes, is_open, reached_step in found
        }

    def _checkpoints(self) -> dict[str, Checkpoint]:
        found = self._database.execute(
            "SELECT task_id, step, state, sha256 FROM checkpoints JOIN tasks USING (number)"
            " WHERE number NOT IN (SELECT number FROM results)"
        )
        return {task_id: Checkpoint(step, state, sha256) for task_id, step, state, sha256 in found}


def _task_values(rows: list[TaskRow]) -> Iterable[tuple[object, ...]]:
    for row in rows:
        yield (
            row.number, row.task_id, row.kind, row.params, int(row.priority), row.intended_ns, row.timeout_ms,
            row.max_attempts, row.retry_errors,
        )  # fmt: skip


def _attempt_values(rows: list[AttemptRow]) -> Iterable[tuple[object, ...]]:
    for row in {row.number: row for row in rows}.values():
        yield (row.number, row.token, row.session, row.given, row.strikes, row.open, row.reached_step)


def _result_values(rows: list[ResultRow]) -> Iterable[tuple[object, ...]]:
    for row in rows:
        yield (
            row.number, row.token, row.worker, row.outcome, row.error, row.output, row.attempts, row.started_ns,
            row.ended_ns, row.redone_steps,
        )  # fmt: skip


def _checkpoint_values(rows: list[CheckpointRow]) -> Iterable[tuple[object, ...]]:
    for row in {row.number: row for row in rows}.values():
        yield (row.number, row.token, row.worker, row.checkpoint.step, row.checkpoint.state, row.checkpoint.sha256)


def _session_values(rows: list[SessionRow]) -> Iterable[tuple[object, ...]]:
    for row in rows:
        yield (row.session, row.worker, row.incarnation)


def _received_values(rows: list[ReceivedRow]) -> Iterable[tuple[object, ...]]:
    for row in {row.session: row for row in rows}.values():
        yield (row.sequence, row.session)


def _ended_values(rows: list[SessionEndRow]) -> Iterable[tuple[object, ...]]:
    for row in rows:
        yield (row.session,)


# Of rows of one kind the order is kept; kinds may trade places within a transaction, since no session begins twice.
_STATEMENTS: tuple[tuple[type, str, Callable[..., Iterable[tuple[object, ...]]]], ...] = (
    (TaskRow, "INSERT INTO tasks VALUES (?,?,?,?,?,?,?,?,?)", _task_values),
    (AttemptRow, "INSERT OR REPLACE INTO attempts VALUES (?,?,?,?,?,?,?)", _attempt_values),
    (ResultRow, "INSERT INTO results VALUES (?,?,?,?,?,?,?,?,?,?)", _result_values),
    (CheckpointRow, "INSERT OR REPLACE INTO checkpoints VALUES (?,?,?,?,?,?)", _checkpoint_values),
    (SessionRow, "INSERT INTO sessions VALUES (?,?,?,0)", _session_values),
    (ReceivedRow, "UPDATE sessions SET received = ? WHERE session = ?", _received_values),
    (SessionEndRow, "DELETE FROM sessions WHERE session = ?", _ended_values),
)
