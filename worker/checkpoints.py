"""Checkpoints on the worker's own disk: each is whole or absent, and verified by its checksum."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import os
from pathlib import Path

import msgspec

from wire.errors import DECODE_ERRORS
from wire.messages import Checkpoint

MAX_FILES = 256
_SUFFIX = ".checkpoint"
_UNFINISHED = ".new"


class _File(msgspec.Struct, array_like=True, frozen=True):
    task_id: str
    checkpoint: Checkpoint


def checkpoint_of(step: int, state: bytes) -> Checkpoint:
    """Return a checkpoint with its checksum."""
    return Checkpoint(step, state, hashlib.sha256(state).digest())


def is_whole(checkpoint: Checkpoint) -> bool:
    """Return whether the state matches its checksum."""
    return hashlib.sha256(checkpoint.state).digest() == checkpoint.sha256


class CheckpointStore:
    """One file for each task. Files of an earlier start of this worker are listed at the start, and read when
    their task is assigned again.

    At most MAX_FILES are kept: the oldest are deleted first, since other workers most likely finished their
    tasks.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._names: dict[str, None] = {}
        self._writes = itertools.count()
        for unfinished in folder.glob(f"*{_UNFINISHED}"):
            unfinished.unlink(missing_ok=True)
        with contextlib.suppress(FileNotFoundError):
            left = sorted(folder.glob(f"*{_SUFFIX}"), key=lambda path: path.stat().st_mtime_ns)
            self._names = dict.fromkeys(path.name for path in left)
        self._delete_oldest()

    def write(self, task_id: str, checkpoint: Checkpoint) -> None:
        """Replace the task's checkpoint: a crash leaves the old one or the new one, whole. Blocks; raises
        OSError.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._path(task_id)
        # A unique name, since an older attempt of the task, whose lease has expired, may still be writing.
        fresh = path.with_suffix(f".{next(self._writes)}{_UNFINISHED}")
        with open(fresh, "wb") as file:
            file.write(msgspec.msgpack.encode(_File(task_id, checkpoint)))
            file.flush()
            os.fsync(file.fileno())
        os.rename(fresh, path)
        folder = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
        self._names.pop(path.name, None)
        self._names[path.name] = None
        self._delete_oldest()

    def read(self, task_id: str) -> Checkpoint | None:
        """Return the task's checkpoint, or None where there is none that is whole."""
        if not self._names:
            return None
        path = self._path(task_id)
        if path.name not in self._names:
            return None
        try:
            kept = msgspec.msgpack.decode(path.read_bytes(), type=_File)
        except (OSError, *DECODE_ERRORS):
            return None
        return kept.checkpoint if kept.task_id == task_id and is_whole(kept.checkpoint) else None

    def delete(self, task_id: str) -> None:
        """Delete the task's checkpoint."""
        self._remove(self._path(task_id).name)

    def _path(self, task_id: str) -> Path:
        # Hashed, since a task's id may contain any character.
        return self._folder / (hashlib.sha256(task_id.encode()).hexdigest()[:32] + _SUFFIX)

    def _delete_oldest(self) -> None:
        while len(self._names) > MAX_FILES:
            self._remove(next(iter(self._names)))

    def _remove(self, name: str) -> None:
        if name in self._names:
            del self._names[name]
            with contextlib.suppress(OSError):
                os.unlink(self._folder / name)
