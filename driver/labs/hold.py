"""Who has a lab in hand: a run, or a fault by hand. The kernel lets go for a process that dies."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from driver.machine.root import state_dir


@contextmanager
def held(project: str, folder: Path | None = None) -> Iterator[None]:
    """This process has its hands on a lab; several may."""
    with _path(project, folder).open("w") as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        yield


def is_held(project: str, folder: Path | None = None) -> bool:
    """Whether any living process of this machine has its hands on a lab."""
    with _path(project, folder).open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _path(project: str, folder: Path | None) -> Path:
    where = (folder or state_dir()) / "held"
    where.mkdir(exist_ok=True)
    return where / project
