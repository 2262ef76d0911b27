"""A mount is its process's alone: what lies in it is never followed, waited for, or taken for another's."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from driver.checks import journals_complete
from driver.checks.finding import Status
from driver.dashboard.tail import JournalTail
from driver.histories.history import History
from driver.histories.journal_folder import MAX_ENTRIES, NotAJournalError, own_journal, read_bytes
from driver.histories.journal_kinds import reader_of
from driver.histories.journals import read_history
from driver.metrics import measure
from driver.reference.dashboard.feed import HOLD_NS, Feed
from tests.driver.judge.histories import healthy_herd
from wire import events as wire
from wire import task_events


def in_mounts(folder: Path) -> Path:
    """A healthy run as it is kept today: each container's journal in its own mount."""
    run = healthy_herd(workers=3).write(folder / "run")
    for path in (run / "journals").glob("*.jsonl"):
        if path.stem != "driver":
            mount = run / "journals" / path.stem
            mount.mkdir()
            path.rename(mount / path.name)
    return run


def done(by: str, task: str = "t-1") -> bytes:
    event = task_events.TaskDone(
        at_ns=1, wall_s=0.0, by=by, task=task, token=1, worker="worker-3", outcome="completed", error="",
        attempts=1,
    )  # fmt: skip
    return msgspec.json.encode(event) + b"\n"


def verdict(history: History) -> tuple[Status, str]:
    finding = journals_complete.judge(history, measure(history), {})
    return finding.status, finding.because


def test_journals_in_mounts_and_journals_of_older_runs_are_the_same_history(tmp_path: Path) -> None:
    older = read_history(healthy_herd(workers=3).write(tmp_path / "older"))
    today = read_history(in_mounts(tmp_path))
    assert today.journals == older.journals
    assert not today.damage


def test_a_line_in_one_mount_that_says_it_is_the_coordinators_is_refused_and_named(tmp_path: Path) -> None:
    run = in_mounts(tmp_path)
    before = len(read_history(run).of(task_events.TaskDone))
    with own_journal(run / "journals", "worker-3").open("ab") as file:
        file.write(done("coordinator", "forged"))
    history = read_history(run)
    assert len(history.of(task_events.TaskDone)) == before
    status, because = verdict(history)
    assert status is Status.unknown
    assert "worker-3.jsonl are refused" in because
    assert "'coordinator'" in because


def test_a_kind_of_line_that_is_not_the_processs_to_write_is_refused_under_its_own_name_too() -> None:
    journal = reader_of("worker-3").read("worker-3", done("worker-3"))
    assert not journal.events
    assert [(found.what, "task_done" in found.because) for found in journal.damage] == [("refused", True)]
    assert len(reader_of("coordinator").read("coordinator", done("coordinator")).events) == 1


def _link(path: Path) -> None:
    secret = path.parent.parent / "secret"
    secret.write_bytes(done("worker-3"))
    path.symlink_to(secret)


def _socket(path: Path) -> None:
    here = Path.cwd()
    os.chdir(path.parent)
    try:
        socket.socket(socket.AF_UNIX).bind(path.name)
    finally:
        os.chdir(here)


def _sparse(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(6 << 30)


HOSTILE: list[tuple[str, Callable[[Path], None]]] = [
    ("a named pipe", os.mkfifo),
    ("a symbolic link", _link),
    ("a socket", _socket),
    ("a folder", Path.mkdir),
    ("bytes long", _sparse),
]


@pytest.mark.parametrize(("what", "make"), HOSTILE, ids=[what for what, _ in HOSTILE])
def test_in_the_place_of_a_journal_anything_else_is_left_out_and_named(
    tmp_path: Path, what: str, make: Callable[[Path], None]
) -> None:
    run = in_mounts(tmp_path)
    path = own_journal(run / "journals", "worker-3")
    path.unlink()
    make(path)
    with pytest.raises(NotAJournalError, match=what):
        read_bytes(path)
    assert not [name for name, *_ in JournalTail(run / "journals").read() if name == "worker-3"]
    history = read_history(run, clients=["worker-1", "worker-2", "worker-3"])
    assert not history.by("worker-3")
    status, because = verdict(history)
    assert status is Status.unknown
    assert "worker-3" in because
    assert what in because


@pytest.mark.parametrize(("what", "make"), HOSTILE[:4], ids=[what for what, _ in HOSTILE[:4]])
def test_beside_a_journal_anything_else_is_named(
    tmp_path: Path, what: str, make: Callable[[Path], None]
) -> None:
    run = in_mounts(tmp_path)
    make(run / "journals" / "worker-3" / "zz.jsonl")
    history = read_history(run)
    assert "zz" not in history.journals
    status, because = verdict(history)
    assert status is Status.unknown
    assert f"'zz.jsonl' ({what})" in because


@pytest.mark.parametrize(("what", "make"), HOSTILE[:3], ids=[what for what, _ in HOSTILE[:3]])
def test_an_older_runs_folder_is_read_with_the_same_care(
    tmp_path: Path, what: str, make: Callable[[Path], None]
) -> None:
    run = healthy_herd(workers=1).write(tmp_path / "run")
    make(run / "journals" / "zz.jsonl")
    status, because = verdict(read_history(run))
    assert status is Status.unknown
    assert "zz" in because
    assert what in because


def test_a_folder_with_very_many_entries_is_looked_at_so_far_and_named(tmp_path: Path) -> None:
    run = in_mounts(tmp_path)
    for number in range(MAX_ENTRIES + 5):
        (run / "journals" / "worker-2" / f"{number}").touch()
    foreign = [found for found in read_history(run).damage if found.what == "foreign"]
    assert len(foreign) <= MAX_ENTRIES + 1
    assert f"{MAX_ENTRIES} entries and more" in foreign[-1].because


def test_a_journal_beside_the_mount_of_its_name_is_not_taken_for_it(tmp_path: Path) -> None:
    run = in_mounts(tmp_path)
    (run / "journals" / "coordinator.jsonl").write_bytes(done("coordinator", "forged"))
    history = read_history(run)
    assert all(event.task != "forged" for event in history.of(task_events.TaskDone))
    assert verdict(history)[0] is Status.unknown


def test_what_follows_a_lab_takes_no_mounts_line_for_anothers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mount = tmp_path / "worker-3"
    mount.mkdir()
    lost = wire.WorkerLost(
        at_ns=1, wall_s=1.0, by="coordinator", worker="worker-1", session="s", kind="closed", detail="",
        silent_ms=0.0,
    )  # fmt: skip
    started = wire.Connecting(at_ns=2, wall_s=1.0, by="worker-3", attempt=1)
    lines = (done("coordinator"), msgspec.json.encode(lost) + b"\n", msgspec.json.encode(started) + b"\n")
    (mount / "worker-3.jsonl").write_bytes(b"".join(lines))
    feed = Feed(tmp_path)
    heard: list[wire.Event] = []
    monkeypatch.setattr(feed.model, "apply", heard.append)
    feed.step(HOLD_NS + 3, 1.0, is_live=False)
    assert heard == [started]
