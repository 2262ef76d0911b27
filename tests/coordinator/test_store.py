"""The content of the disk after a restart, and after a crash."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from coordinator.journal_file import CoordinatorJournalFile, lines_from, rows_without_event, without_journaled
from coordinator.rows import (
    AttemptRow,
    CheckpointRow,
    JournalSizeRow,
    PresenceRow,
    ReceivedRow,
    ReleaseRow,
    ResultRow,
    RowWithEvent,
    SessionEndRow,
    SessionRow,
    StoredSession,
    TaskRow,
)
from coordinator.store import SqliteStore
from wire.messages import Checkpoint
from wire.priority import Priority


def task(number: int) -> TaskRow:
    return TaskRow(number, f"t{number}", "noop", b'{"a":1}', Priority.high, 5, 60_000, 3, True)


def attempt(number: int, token: int, *, is_open: bool = True) -> AttemptRow:
    return AttemptRow(number, f"t{number}", token, "s1", 2, 1, is_open, 4)


def result(number: int, outcome: str = "completed") -> ResultRow:
    return ResultRow(number, f"t{number}", 7, "worker-1", outcome, "", b"1", 2, 10, 20, 3)


def saved(number: int, step: int) -> CheckpointRow:
    return CheckpointRow(number, f"t{number}", 7, "worker-1", Checkpoint(step, b"state", bytes(32)))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.sqlite"


def reopened(store: SqliteStore, path: Path) -> SqliteStore:
    store.close()
    return SqliteStore(path)


def test_an_empty_store_begins_with_epoch_1_and_each_opening_adds_one(path: Path) -> None:
    store = SqliteStore(path)
    assert store.load().epoch == 1
    assert reopened(store, path).load().epoch == 2


def test_the_last_release_comes_back(path: Path) -> None:
    store = SqliteStore(path)
    assert store.load().released == 0
    store.commit([ReleaseRow(2)])
    assert reopened(store, path).load().released == 2


def test_everything_that_was_committed_comes_back(path: Path) -> None:
    store = SqliteStore(path)
    store.load()
    store.commit([task(1), task(2), SessionRow("s1", "worker-1", "first"), PresenceRow("s1", 1, True)])
    store.commit([attempt(1, 7), attempt(2, 8), saved(1, 3), ReceivedRow("s1", 9)])
    found = reopened(store, path).load()
    assert found.tasks == [task(1), task(2)]
    assert found.attempts == {"t1": attempt(1, 7), "t2": attempt(2, 8)}
    assert found.checkpoints == {"t1": Checkpoint(3, b"state", bytes(32))}
    assert found.sessions == [StoredSession("s1", "worker-1", "first", 9, True)]
    assert found.next_number == 3


def test_a_task_with_a_result_is_only_remembered_by_its_name(path: Path) -> None:
    store = SqliteStore(path)
    store.load()
    store.commit([task(1), task(2), attempt(1, 7), saved(1, 3)])
    store.commit([result(1), result(2, "failed")])
    found = reopened(store, path).load()
    assert (found.tasks, found.attempts, found.checkpoints) == ([], {}, {})
    assert found.done == {"t1": 1, "t2": 2}
    assert (found.completed, found.failed) == (1, 1)


def test_results_are_found_again_by_the_numbers_of_their_tasks(path: Path) -> None:
    store = SqliteStore(path)
    store.load()
    store.commit([task(1), task(2), task(3), result(1), result(2, "failed")])
    assert reopened(store, path).results_of([2, 3, 1]) == [result(1), result(2, "failed")]


def test_the_last_of_several_rows_wins(path: Path) -> None:
    store = SqliteStore(path)
    store.load()
    store.commit(
        [task(1), attempt(1, 7), attempt(1, 7, is_open=False), attempt(1, 8), saved(1, 3), saved(1, 5)]
    )
    store.commit([SessionRow("s1", "w", "i"), ReceivedRow("s1", 3), ReceivedRow("s1", 5)])
    found = reopened(store, path).load()
    assert found.attempts["t1"].token == 8
    assert found.checkpoints["t1"].step == 5
    assert found.sessions[0].received == 5


def test_a_session_that_ended_is_gone(path: Path) -> None:
    store = SqliteStore(path)
    store.load()
    store.commit([SessionRow("s1", "w", "i"), SessionEndRow("s1"), ReceivedRow("s1", 5)])
    assert reopened(store, path).load().sessions == []


def test_of_a_transaction_that_fails_nothing_stays(path: Path) -> None:
    store = SqliteStore(path)
    store.load()
    store.commit([task(1)])
    with pytest.raises(sqlite3.IntegrityError):
        store.commit([task(2), task(1)])
    store.commit([task(3)])
    assert [row.number for row in reopened(store, path).load().tasks] == [1, 3]


def test_a_second_result_of_a_task_is_refused_by_the_disk_itself(path: Path) -> None:
    store = SqliteStore(path)
    store.load()
    store.commit([task(1), result(1)])
    with pytest.raises(sqlite3.IntegrityError):
        store.commit([result(1)])


def test_a_commit_is_synced_to_the_disk(path: Path) -> None:
    store = SqliteStore(path)
    pragma = store._database.execute
    assert pragma("PRAGMA journal_mode").fetchone() == ("wal",)
    assert pragma("PRAGMA synchronous").fetchone() == (2,)


def test_another_reader_sees_what_was_committed_while_the_store_is_open(path: Path) -> None:
    store = SqliteStore(path)
    store.load()
    store.commit([task(1)])
    with sqlite3.connect(path) as other:
        assert other.execute("SELECT count(*) FROM tasks").fetchone() == (1,)


# -- events that a crash lost ------------------------------


def test_only_rows_of_the_last_transaction_may_be_untold(path: Path) -> None:
    store = SqliteStore(path)
    store.load()
    store.commit([task(1), result(1), JournalSizeRow(10)])
    store.commit([task(2), result(2), saved(2, 3), JournalSizeRow(250)])
    found = reopened(store, path).load()
    assert list(found.recent) == [task(2), saved(2, 3), result(2)]
    assert found.journal_bytes == 250


def test_what_the_journal_has_already_is_not_written_again() -> None:
    lines = [
        b'{"event":"submitted","task":"t1","priority":"high"}\n',
        b'{"event":"task_done","task":"t1","token":7}\n',
        b'{"event":"checkpoint_committed","task":"t1","token":7,"step":3}\n',
    ]
    rows: list[RowWithEvent] = [task(1), result(1), saved(1, 3)]
    assert rows_without_event(rows, lines) == []
    assert rows_without_event(rows, lines[:1]) == [result(1), saved(1, 3)]
    assert rows_without_event([task(2), saved(1, 4)], lines) == [task(2), saved(1, 4)]


def test_a_torn_line_is_ignored() -> None:
    assert rows_without_event([task(1)], [b'{"event":"submitted","task":"t1"']) == [task(1)]


def test_the_journal_is_read_from_its_offset_at_the_last_transaction(tmp_path: Path) -> None:
    journal = tmp_path / "journal.jsonl"
    journal.write_bytes(b"one\ntwo\n")
    assert list(lines_from(journal, 4)) == [b"two\n"]
    assert list(lines_from(journal, 400)) == [b"one\n", b"two\n"]
    assert list(lines_from(tmp_path / "none.jsonl", 4)) == []


def test_a_crash_between_commit_and_journal_loses_no_line(path: Path, tmp_path: Path) -> None:
    journal = tmp_path / "journal.jsonl"
    journal.write_bytes(b'{"event":"submitted","task":"t1"}\n')
    store = SqliteStore(path)
    store.load()
    store.commit([task(1), JournalSizeRow(0)])
    assert without_journaled(reopened(store, path).load(), journal).recent == []
    journal.unlink()
    assert without_journaled(SqliteStore(path).load(), journal).recent == [task(1)]


# -- the journal's file ------------------------------------


def test_lines_reach_the_file_in_order_at_a_flush(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    journal = CoordinatorJournalFile(path)
    journal.write(b"one\n")
    journal.write(b"two\n")
    assert path.read_bytes() == b""
    journal.flush()
    assert path.read_bytes() == b"one\ntwo\n"
    assert journal.size_bytes == 8


def test_a_line_that_an_earlier_life_did_not_finish_is_ended(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    path.write_bytes(b'{"event":"tor')
    journal = CoordinatorJournalFile(path)
    journal.write(b"next\n")
    journal.close()
    assert path.read_bytes() == b'{"event":"tor\nnext\n'


class FullDisk:
    """What SQLite does where a disk is full: it rolls the transaction back by itself
    (sqlite.org/lang_transaction.html, "Response To Errors Within A Transaction").
    """

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database

    @property
    def in_transaction(self) -> bool:
        return self._database.in_transaction

    def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
        if sql == "COMMIT":
            self._database.execute("ROLLBACK")
            raise sqlite3.OperationalError("database or disk is full")
        return self._database.execute(sql, *values)


def test_a_disk_that_is_full_says_so(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = SqliteStore(path)
    store.load()
    monkeypatch.setattr(store, "_database", FullDisk(store._database))
    with pytest.raises(sqlite3.OperationalError, match="full"):
        store.commit([task(1)])


def test_a_disk_without_room_to_reserve_is_room_enough_to_begin(path: Path) -> None:
    store = SqliteStore(path, log_bytes=1 << 40)
    store.load()
    store.commit([task(1)])
    assert [row.number for row in reopened(store, path).load().tasks] == [1]


def kept_checkpoints(path: Path) -> list[int]:
    """Return the tasks that have a checkpoint on the disk."""
    reader = sqlite3.connect(path)
    found = [number for (number,) in reader.execute("SELECT number FROM checkpoints")]
    reader.close()
    return found


def test_a_task_with_a_result_keeps_no_checkpoint(path: Path) -> None:
    store = SqliteStore(path)
    store.load()
    store.commit([task(1), task(2), saved(1, 3), saved(2, 3)])
    store.commit([result(1)])
    assert kept_checkpoints(path) == [2]


def test_a_checkpoint_beside_its_result_is_kept_until_its_line_is_written(path: Path) -> None:
    store = SqliteStore(path)
    store.load()
    store.commit([task(1), saved(1, 3), result(1)])
    store = reopened(store, path)
    assert saved(1, 3) in store.load().recent
    store.commit([task(2)])
    assert kept_checkpoints(path) == []
