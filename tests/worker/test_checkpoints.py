"""Claims about checkpoints on the worker's disk."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from wire.messages import Checkpoint
from worker.checkpoints import MAX_FILES, CheckpointStore, checkpoint_of, is_whole


def test_what_was_written_is_read_back_by_a_later_life(tmp_path: Path) -> None:
    CheckpointStore(tmp_path).write("task", checkpoint_of(3, b"state"))
    assert CheckpointStore(tmp_path).read("task") == checkpoint_of(3, b"state")


def test_the_folder_is_made_by_the_first_write(tmp_path: Path) -> None:
    folder = tmp_path / "disk" / "checkpoints"
    store = CheckpointStore(folder)
    assert not folder.exists()
    store.write("task", checkpoint_of(3, b"state"))
    assert CheckpointStore(folder).read("task") == checkpoint_of(3, b"state")


def test_a_task_that_has_none_has_none(tmp_path: Path) -> None:
    store = CheckpointStore(tmp_path)
    assert store.read("task") is None
    store.write("other", checkpoint_of(1, b""))
    assert store.read("task") is None


def test_the_newest_replaces_the_one_before(tmp_path: Path) -> None:
    store = CheckpointStore(tmp_path)
    for step in (1, 2, 3):
        store.write("task", checkpoint_of(step, b"%d" % step))
    assert store.read("task") == checkpoint_of(3, b"3")
    assert len(list(tmp_path.iterdir())) == 1


def test_a_crash_while_writing_leaves_the_old_one_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = CheckpointStore(tmp_path)
    store.write("task", checkpoint_of(1, b"old"))

    def crash(*_: object) -> None:
        raise OSError("power cut")

    monkeypatch.setattr(os, "rename", crash)
    with pytest.raises(OSError, match="power cut"):
        store.write("task", checkpoint_of(2, b"new"))
    assert CheckpointStore(tmp_path).read("task") == checkpoint_of(1, b"old")


def test_the_bytes_are_on_the_disk_before_the_name_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []
    fsync, rename = os.fsync, os.rename

    def noted_fsync(descriptor: int) -> None:
        order.append("fsync")
        fsync(descriptor)

    def noted_rename(old: Path, new: Path) -> None:
        order.append("rename")
        rename(old, new)

    monkeypatch.setattr(os, "fsync", noted_fsync)
    monkeypatch.setattr(os, "rename", noted_rename)
    CheckpointStore(tmp_path).write("task", checkpoint_of(1, b"state"))
    assert order == ["fsync", "rename", "fsync"]


@pytest.mark.parametrize("damage", [b"", b"garbage", None])
def test_a_damaged_file_counts_as_none(tmp_path: Path, damage: bytes | None) -> None:
    CheckpointStore(tmp_path).write("task", checkpoint_of(1, b"state" * 100))
    path = next(tmp_path.iterdir())
    data = bytearray(path.read_bytes())
    data[200] ^= 1
    path.write_bytes(bytes(data) if damage is None else damage)
    assert CheckpointStore(tmp_path).read("task") is None


def test_a_forgotten_one_is_gone(tmp_path: Path) -> None:
    store = CheckpointStore(tmp_path)
    store.write("task", checkpoint_of(1, b"state"))
    store.delete("task")
    store.delete("task")
    assert store.read("task") is None
    assert list(tmp_path.iterdir()) == []


def test_a_task_may_have_any_name(tmp_path: Path) -> None:
    store = CheckpointStore(tmp_path)
    for name in ("../up", "a/b", "ü \n", "x" * 5_000):
        store.write(name, checkpoint_of(1, name.encode()))
        assert store.read(name) == checkpoint_of(1, name.encode())
    assert len(list(tmp_path.iterdir())) == 4


def test_the_folder_is_bounded_and_the_oldest_goes_first(tmp_path: Path) -> None:
    store = CheckpointStore(tmp_path)
    for number in range(MAX_FILES + 3):
        store.write(f"task {number}", checkpoint_of(1, b""))
    assert len(list(tmp_path.iterdir())) == MAX_FILES
    assert store.read("task 2") is None
    assert store.read("task 3") is not None


def test_a_state_that_does_not_fit_its_checksum_is_not_whole() -> None:
    assert is_whole(checkpoint_of(1, b"state"))
    assert not is_whole(Checkpoint(1, b"stale", checkpoint_of(1, b"state").sha256))


def test_an_older_attempt_that_still_writes_does_not_spoil_the_newer_ones_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = CheckpointStore(tmp_path)
    is_writing, may_go_on = threading.Event(), threading.Event()
    fsync = os.fsync

    def slow_at_first(descriptor: int) -> None:
        if not is_writing.is_set():
            is_writing.set()
            assert may_go_on.wait(10)
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", slow_at_first)
    with ThreadPoolExecutor(1) as pool:
        older = pool.submit(store.write, "task", checkpoint_of(1, b"older"))
        assert is_writing.wait(10)
        store.write("task", checkpoint_of(2, b"newer"))
        assert store.read("task") == checkpoint_of(2, b"newer")
        may_go_on.set()
        older.result(10)
    assert store.read("task") is not None


def test_what_a_crash_left_half_written_is_removed(tmp_path: Path) -> None:
    (tmp_path / "0123.7.new").write_bytes(b"half")
    CheckpointStore(tmp_path)
    assert list(tmp_path.iterdir()) == []
