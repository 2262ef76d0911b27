"""The durable store: SQLite with a write-ahead log. Each batch of rows is one transaction, on disk when
`commit` returns.

Rows about tasks are kept as MessagePack beside the task's number: only whole rows are read, and one value is
written in less time than ten.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from coordinator.rows import (
    AttemptRow,
    CheckpointRow,
    JournalSizeRow,
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

SCHEMA = """
CREATE TABLE IF NOT EXISTS epoch (
    only INTEGER PRIMARY KEY CHECK (only = 1), epoch INTEGER NOT NULL, batch INTEGER NOT NULL,
    journal_bytes INTEGER NOT NULL, released INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS secret (only INTEGER PRIMARY KEY CHECK (only = 1), secret BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS tasks (number INTEGER PRIMARY KEY, batch INTEGER NOT NULL, row BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS attempts (number INTEGER PRIMARY KEY, batch INTEGER NOT NULL, row BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS results (number INTEGER PRIMARY KEY, batch INTEGER NOT NULL, row BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS checkpoints (
    number INTEGER PRIMARY KEY, batch INTEGER NOT NULL, row BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS sessions (
    session TEXT PRIMARY KEY, worker TEXT NOT NULL, incarnation TEXT NOT NULL,
    received INTEGER NOT NULL DEFAULT 0, connected INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;
"""
WAL_PAGES = 4000
"""The log is copied into the database at this many pages (16 MiB)."""

LOG_BYTES = WAL_PAGES * 4096
SECRET_BYTES = 32

R = TypeVar("R")
Values = Iterable[tuple[object, ...]]
ROWS_AT_ONCE = (1024, 256, 64, 16, 4, 1)
"""Rows per INSERT: few sizes, so that each statement is prepared once, and cached."""

_BATCH = "UPDATE epoch SET batch = ?, journal_bytes = coalesce(?, journal_bytes)"
_UNFINISHED = "number NOT IN (SELECT number FROM results)"
_encode = msgspec.msgpack.Encoder().encode


class _Done(msgspec.Struct, array_like=True, gc=False):
    """The fields of a result that `load` reads: the first ones of a ResultRow."""

    number: int
    task_id: str
    token: int
    worker: str
    outcome: str


class SqliteStore:
    """One writer. Any thread may use it, one at a time.

    `log_bytes` of its write-ahead log are reserved at the start, where the disk has room for them.
    """

    def __init__(self, path: Path, log_bytes: int = LOG_BYTES) -> None:
        self._database = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=5)
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = FULL")
        self._database.execute(f"PRAGMA wal_autocheckpoint = {WAL_PAGES}")
        self._database.executescript(SCHEMA)
        self._batch = 0
        self._checkpointed: set[int] = set()
        self._outlived: list[int] = []
        self._reserve_log(log_bytes)

    def close(self) -> None:
        """Close the database."""
        self._database.close()

    def commit(self, rows: list[Row]) -> None:
        """Write all of `rows`, or none when it raises sqlite3.Error."""
        self._batch += 1
        by_kind: dict[type, list[Any]] = {}
        for row in rows:
            by_kind.setdefault(type(row), []).append(row)
        if ResultRow in by_kind and AttemptRow in by_kind:
            # The attempt of a task that has its result is never read again.
            done = {row.number for row in by_kind[ResultRow]}
            by_kind[AttemptRow] = [row for row in by_kind[AttemptRow] if row.number not in done]
        self._database.execute("BEGIN IMMEDIATE")
        try:
            for kind, sql in _KEPT:
                if kind in by_kind:
                    self._insert(sql, by_kind[kind])
            for kind, sql, values in _CHANGES:
                if kind in by_kind:
                    self._database.executemany(sql, values(by_kind[kind]))
            self._forget_checkpoints(by_kind.get(CheckpointRow, []), by_kind.get(ResultRow, []))
            journaled = by_kind.get(JournalSizeRow)
            bytes_now = journaled[-1].size_bytes if journaled else None
            self._database.execute(_BATCH, (self._batch, bytes_now))
            self._database.execute("COMMIT")
        except BaseException:
            # Where the disk is full, SQLite has rolled back already (sqlite.org/lang_transaction.html), and
            # a second rollback would hide the cause.
            if self._database.in_transaction:
                self._database.execute("ROLLBACK")
            raise

    def _reserve_log(self, log_bytes: int) -> None:
        """Extend the log to its full length: syncing a log that grows takes half as long again, since the
        file's new size has to reach the disk too. (Pages that overflow the cache go into the log before the
        transaction ends, and a rollback leaves them there, to be overwritten.)
        """
        self._database.execute("BEGIN IMMEDIATE")
        # Without room for that on disk, the log grows as it is written.
        with contextlib.suppress(sqlite3.Error):
            self._database.execute("INSERT INTO checkpoints VALUES (0, 0, zeroblob(?))", (log_bytes,))
        if self._database.in_transaction:
            self._database.execute("ROLLBACK")

    def _insert(self, sql: str, rows: list[Any]) -> None:
        """Insert rows, many with one statement.

        Each call of SQLite releases the interpreter, and waits until the event loop hands it back.
        With one call for each row, a busy event loop would make a transaction last for tens of
        milliseconds.
        """
        place, batch = 0, self._batch
        for size in ROWS_AT_ONCE:
            several = sql + ",".join(["(?,?,?)"] * size)
            while len(rows) - place >= size:
                values: list[object] = []
                for row in rows[place : place + size]:
                    values += (row.number, batch, _encode(row))
                self._database.execute(several, values)
                place += size

    def _forget_checkpoints(self, saved: list[CheckpointRow], done: list[ResultRow]) -> None:
        """Delete the checkpoints of finished tasks. One of this very transaction stays until the next: its
        event may still have to be written.
        """
        over, self._outlived = self._outlived, []
        fresh = {row.number for row in saved}
        self._checkpointed |= fresh
        for row in done:
            if row.number in self._checkpointed:
                (self._outlived if row.number in fresh else over).append(row.number)
        if over:
            self._database.executemany(
                "DELETE FROM checkpoints WHERE number = ?", ((number,) for number in over)
            )
            self._checkpointed.difference_update(over)

    def load(self) -> Recovered:
        """Begin a new epoch, durably, and return the stored state."""
        self._database.execute(
            "INSERT INTO epoch VALUES (1, 1, 0, 0, 0) ON CONFLICT DO UPDATE SET epoch = epoch + 1"
        )
        self._database.execute("INSERT OR IGNORE INTO secret VALUES (1, ?)", (os.urandom(SECRET_BYTES),))
        (secret,) = self._database.execute("SELECT secret FROM secret").fetchone()
        found = self._database.execute("SELECT epoch, batch, journal_bytes, released FROM epoch")
        epoch, self._batch, journal_bytes, released = found.fetchone()
        done, outcomes = self._done()
        checkpointed = self._database.execute("SELECT number FROM checkpoints")
        self._checkpointed = {number for (number,) in checkpointed}
        outlived = "SELECT number FROM checkpoints WHERE number IN (SELECT number FROM results)"
        self._outlived = [number for (number,) in self._database.execute(outlived)]
        sessions = "SELECT session, worker, incarnation, received, connected FROM sessions"
        last = self._database.execute("SELECT coalesce(max(number), 0) FROM tasks").fetchone()[0]
        return Recovered(
            epoch=epoch,
            secret=secret,
            tasks=self._rows(TaskRow, "tasks", _UNFINISHED),
            attempts={row.task_id: row for row in self._rows(AttemptRow, "attempts", _UNFINISHED)},
            checkpoints={
                row.task_id: row.checkpoint for row in self._rows(CheckpointRow, "checkpoints", _UNFINISHED)
            },
            done=done,
            sessions=[
                StoredSession(session, worker, incarnation, received, bool(connected))
                for session, worker, incarnation, received, connected in self._database.execute(sessions)
            ],
            next_number=last + 1,
            completed=outcomes["completed"],
            failed=outcomes["failed"],
            recent=[
                *self._rows(TaskRow, "tasks", "batch = ?", self._batch),
                *self._rows(CheckpointRow, "checkpoints", "batch = ?", self._batch),
                *self._rows(ResultRow, "results", "batch = ?", self._batch),
            ],
            journal_bytes=journal_bytes,
            released=released,
        )

    def results_of(self, numbers: Sequence[int]) -> list[ResultRow]:
        """Return the results of the tasks with these numbers, of those that have one."""
        return self._rows(ResultRow, "results", f"number IN ({','.join('?' * len(numbers))})", *numbers)

    def _done(self) -> tuple[dict[str, int], Counter[str]]:
        """Return the number of each finished task, and the count of each outcome."""
        read = msgspec.msgpack.Decoder(_Done).decode
        found = [read(row) for (row,) in self._database.execute("SELECT row FROM results ORDER BY number")]
        return {row.task_id: row.number for row in found}, Counter(row.outcome for row in found)

    def _rows(self, kind: type[R], table: str, which: str, *values: int) -> list[R]:
        read = msgspec.msgpack.Decoder(kind).decode
        found = self._database.execute(f"SELECT row FROM {table} WHERE {which} ORDER BY number", values)
        return [read(row) for (row,) in found]


def _session_values(rows: list[SessionRow]) -> Values:
    return ((row.session, row.worker, row.incarnation) for row in rows)


def _received_values(rows: list[ReceivedRow]) -> Values:
    return ((row.sequence, row.session) for row in {row.session: row for row in rows}.values())


def _presence_values(rows: list[PresenceRow]) -> Values:
    return ((row.connected, row.session) for row in {row.session: row for row in rows}.values())


def _release_values(rows: list[ReleaseRow]) -> Values:
    return ((row.epoch,) for row in rows)


def _ended_values(rows: list[SessionEndRow]) -> Values:
    return ((row.session,) for row in rows)


# Rows of one kind keep their order; kinds may change places within a transaction, since sessions begin before
# they change, and end last.
_KEPT: tuple[tuple[type, str], ...] = (
    (TaskRow, "INSERT INTO tasks VALUES "),
    (AttemptRow, "INSERT OR REPLACE INTO attempts VALUES "),
    (ResultRow, "INSERT INTO results VALUES "),
    (CheckpointRow, "INSERT OR REPLACE INTO checkpoints VALUES "),
)
_CHANGES: tuple[tuple[type, str, Callable[[list[Any]], Values]], ...] = (
    (SessionRow, "INSERT INTO sessions (session, worker, incarnation) VALUES (?,?,?)", _session_values),
    (ReceivedRow, "UPDATE sessions SET received = ? WHERE session = ?", _received_values),
    (PresenceRow, "UPDATE sessions SET connected = ? WHERE session = ?", _presence_values),
    (ReleaseRow, "UPDATE epoch SET released = ?", _release_values),
    (SessionEndRow, "DELETE FROM sessions WHERE session = ?", _ended_values),
)
