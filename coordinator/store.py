"""The durable store: SQLite with a write-ahead log. Each batch of rows is one transaction, and on the disk
when `commit` returns.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from coordinator.rows import (
    AttemptRow,
    CheckpointRow,
    JournaledRow,
    PresenceRow,
    ReceivedRow,
    Recovered,
    ResultRow,
    Row,
    SessionEndRow,
    SessionRow,
    StoredSession,
    TaskRow,
    Told,
)
from wire.messages import Checkpoint
from wire.priority import Priority

SCHEMA = """
CREATE TABLE IF NOT EXISTS epoch (
    only INTEGER PRIMARY KEY CHECK (only = 1), epoch INTEGER NOT NULL, batch INTEGER NOT NULL,
    journal_bytes INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS tasks (
    number INTEGER PRIMARY KEY, task_id TEXT NOT NULL, kind TEXT NOT NULL, params BLOB NOT NULL,
    priority INTEGER NOT NULL, intended_ns INTEGER NOT NULL, timeout_ms INTEGER NOT NULL,
    max_attempts INTEGER NOT NULL, retry_errors INTEGER NOT NULL, batch INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS attempts (
    number INTEGER PRIMARY KEY, token INTEGER NOT NULL, session TEXT NOT NULL, given INTEGER NOT NULL,
    strikes INTEGER NOT NULL, open INTEGER NOT NULL, reached_step INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS results (
    number INTEGER PRIMARY KEY, token INTEGER NOT NULL, worker TEXT NOT NULL, outcome TEXT NOT NULL,
    error TEXT NOT NULL, output BLOB NOT NULL, attempts INTEGER NOT NULL, started_ns INTEGER NOT NULL,
    ended_ns INTEGER NOT NULL, redone_steps INTEGER NOT NULL, batch INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS checkpoints (
    number INTEGER PRIMARY KEY, token INTEGER NOT NULL, worker TEXT NOT NULL, step INTEGER NOT NULL,
    state BLOB NOT NULL, sha256 BLOB NOT NULL, batch INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS sessions (
    session TEXT PRIMARY KEY, worker TEXT NOT NULL, incarnation TEXT NOT NULL,
    received INTEGER NOT NULL DEFAULT 0, connected INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;
"""
WAL_PAGES = 4000
"""The log is copied into the database when it has so many pages (16 MiB)."""

_ROWS_AT_ONCE = (128, 32, 8, 1)
"""Few sizes, so that each statement is prepared once, and kept."""

Values = Iterable[tuple[object, ...]]


class SqliteStore:
    """One writer. Any thread may use it, one at a time."""

    def __init__(self, path: Path) -> None:
        self._database = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=5)
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = FULL")
        self._database.execute(f"PRAGMA wal_autocheckpoint = {WAL_PAGES}")
        self._database.executescript(SCHEMA)
        self._batch = 0

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()

    def commit(self, rows: list[Row]) -> None:
        """Write all of `rows`, or none when it raises sqlite3.Error."""
        self._batch += 1
        by_kind: dict[type, list[Any]] = {}
        for row in rows:
            by_kind.setdefault(type(row), []).append(row)
        self._database.execute("BEGIN IMMEDIATE")
        try:
            for kind, sql, values in _STATEMENTS:
                if kind in by_kind:
                    self._execute(sql, list(values(by_kind[kind], self._batch)))
            self._database.execute("UPDATE epoch SET batch = ?", (self._batch,))
            self._database.execute("COMMIT")
        except BaseException:
            self._database.execute("ROLLBACK")
            raise

    def _execute(self, sql: str, values: list[tuple[object, ...]]) -> None:
        """Do `sql` for each of `values`; an INSERT, whose values are said first, for many at a time.

        Each call of SQLite lets go of the interpreter, and waits until the event loop hands it back. With one
        for each row, a busy event loop would make a transaction last for tens of milliseconds.
        """
        head, separator, row = sql.partition("VALUES ")
        if not separator:
            self._database.executemany(sql, values)
            return
        place = 0
        for size in _ROWS_AT_ONCE:
            while len(values) - place >= size:
                several = head + separator + ",".join([row] * size)
                self._database.execute(several, [*chain.from_iterable(values[place : place + size])])
                place += size

    def load(self) -> Recovered:
        """Begin a new epoch, durably, and read back what is kept."""
        self._database.execute(
            "INSERT INTO epoch VALUES (1, 1, 0, 0) ON CONFLICT DO UPDATE SET epoch = epoch + 1"
        )
        found = self._database.execute("SELECT epoch, batch, journal_bytes FROM epoch")
        epoch, self._batch, journal_bytes = found.fetchone()
        outcomes = dict(self._database.execute("SELECT outcome, count(*) FROM results GROUP BY outcome"))
        done = "SELECT task_id, number FROM results JOIN tasks USING (number) ORDER BY number"
        sessions = "SELECT session, worker, incarnation, received, connected FROM sessions"
        return Recovered(
            epoch=epoch,
            tasks=self._tasks("LEFT JOIN results r USING (number) WHERE r.number IS NULL", ()),
            attempts=self._attempts(),
            checkpoints={
                row.task_id: row.checkpoint
                for row in self._checkpoints("number NOT IN (SELECT number FROM results)", ())
            },
            done=dict(self._database.execute(done)),
            sessions=[
                StoredSession(session, worker, incarnation, received, bool(connected))
                for session, worker, incarnation, received, connected in self._database.execute(sessions)
            ],
            next_number=self._database.execute("SELECT coalesce(max(number), 0) + 1 FROM tasks").fetchone()[
                0
            ],
            completed=outcomes.get("completed", 0),
            failed=outcomes.get("failed", 0),
            recent=self._recent(),
            journal_bytes=journal_bytes,
        )

    def results_of(self, numbers: Sequence[int]) -> list[ResultRow]:
        """The results of the tasks with these numbers, of those that have one."""
        return [row for number in numbers for row in self._results("r.number = ?", (number,))]

    def _recent(self) -> list[Told]:
        last = (self._batch,)
        tasks = self._tasks("WHERE t.batch = ?", last)
        return [*tasks, *self._checkpoints("c.batch = ?", last), *self._results("r.batch = ?", last)]

    def _results(self, which: str, values: tuple[int, ...]) -> list[ResultRow]:
        found = self._database.execute(
            "SELECT r.number, task_id, token, worker, outcome, error, output, attempts, started_ns, ended_ns,"
            f" redone_steps FROM results r JOIN tasks USING (number) WHERE {which}",
            values,
        )
        return [ResultRow(*row) for row in found]

    def _tasks(self, which: str, values: tuple[int, ...]) -> list[TaskRow]:
        found = self._database.execute(
            "SELECT t.number, task_id, kind, params, priority, intended_ns, timeout_ms, max_attempts,"
            f" retry_errors FROM tasks t {which} ORDER BY t.number",
            values,
        )
        return [
            TaskRow(
                number, task_id, kind, params, Priority(priority), intended, timeout, attempts, bool(retry)
            )
            for number, task_id, kind, params, priority, intended, timeout, attempts, retry in found
        ]

    def _attempts(self) -> dict[str, AttemptRow]:
        found = self._database.execute(
            "SELECT number, task_id, token, session, given, strikes, open, reached_step"
            " FROM attempts JOIN tasks USING (number) WHERE number NOT IN (SELECT number FROM results)"
        )
        return {
            task_id: AttemptRow(number, task_id, token, session, given, strikes, bool(is_open), step)
            for number, task_id, token, session, given, strikes, is_open, step in found
        }

    def _checkpoints(self, which: str, values: tuple[int, ...]) -> list[CheckpointRow]:
        found = self._database.execute(
            "SELECT number, task_id, token, worker, step, state, sha256"
            f" FROM checkpoints c JOIN tasks USING (number) WHERE {which}",
            values,
        )
        return [
            CheckpointRow(number, task_id, token, worker, Checkpoint(step, state, sha256))
            for number, task_id, token, worker, step, state, sha256 in found
        ]


def _task_values(rows: list[TaskRow], batch: int) -> Values:
    for row in rows:
        yield (
            row.number, row.task_id, row.kind, row.params, int(row.priority), row.intended_ns, row.timeout_ms,
            row.max_attempts, row.retry_errors, batch,
        )  # fmt: skip


def _attempt_values(rows: list[AttemptRow], batch: int) -> Values:
    for row in {row.number: row for row in rows}.values():
        yield (row.number, row.token, row.session, row.given, row.strikes, row.open, row.reached_step)


def _result_values(rows: list[ResultRow], batch: int) -> Values:
    for row in rows:
        yield (
            row.number, row.token, row.worker, row.outcome, row.error, row.output, row.attempts,
            row.started_ns, row.ended_ns, row.redone_steps, batch,
        )  # fmt: skip


def _checkpoint_values(rows: list[CheckpointRow], batch: int) -> Values:
    for row in {row.number: row for row in rows}.values():
        kept = row.checkpoint
        yield (row.number, row.token, row.worker, kept.step, kept.state, kept.sha256, batch)


def _session_values(rows: list[SessionRow], batch: int) -> Values:
    return ((row.session, row.worker, row.incarnation) for row in rows)


def _received_values(rows: list[ReceivedRow], batch: int) -> Values:
    return ((row.sequence, row.session) for row in {row.session: row for row in rows}.values())


def _presence_values(rows: list[PresenceRow], batch: int) -> Values:
    return ((row.connected, row.session) for row in {row.session: row for row in rows}.values())


def _ended_values(rows: list[SessionEndRow], batch: int) -> Values:
    return ((row.session,) for row in rows)


def _journaled_values(rows: list[JournaledRow], batch: int) -> Values:
    return [(rows[-1].size_bytes,)]


# Of rows of one kind the order is kept; kinds may trade places within a transaction, since sessions are begun
# before they are changed, and ended last.
_STATEMENTS: tuple[tuple[type, str, Callable[[list[Any], int], Values]], ...] = (
    (TaskRow, "INSERT INTO tasks VALUES (?,?,?,?,?,?,?,?,?,?)", _task_values),
    (AttemptRow, "INSERT OR REPLACE INTO attempts VALUES (?,?,?,?,?,?,?)", _attempt_values),
    (ResultRow, "INSERT INTO results VALUES (?,?,?,?,?,?,?,?,?,?,?)", _result_values),
    (CheckpointRow, "INSERT OR REPLACE INTO checkpoints VALUES (?,?,?,?,?,?,?)", _checkpoint_values),
    (SessionRow, "INSERT INTO sessions (session, worker, incarnation) VALUES (?,?,?)", _session_values),
    (ReceivedRow, "UPDATE sessions SET received = ? WHERE session = ?", _received_values),
    (PresenceRow, "UPDATE sessions SET connected = ? WHERE session = ?", _presence_values),
    (SessionEndRow, "DELETE FROM sessions WHERE session = ?", _ended_values),
    (JournaledRow, "UPDATE epoch SET journal_bytes = ?", _journaled_values),
)
