"""How `heal` ends faults by hand of other processes: a file that they watch while they hold the lab."""

from __future__ import annotations

import asyncio
import secrets
import time
from pathlib import Path

from driver.files import write_file
from driver.labs.lab_lock import holders
from driver.paths import state_dir

POLL_S = 0.1
ENDED_WITHIN_S = 20.0
"""A container that is being stopped is ended once it has stopped."""


class EndRequest:
    """What a command that injects by hand watches: whether `heal` has been called since."""

    def __init__(self, project: str) -> None:
        self._path = _path(project)
        self._before = _read(self._path)

    async def wait(self) -> None:
        """Return when `heal` has been called."""
        while True:
            if _read(self._path) != self._before:
                return
            await asyncio.sleep(POLL_S)


def end_injections(project: str) -> bool:
    """Have every command that injects by hand end its faults, and wait for it; whether all did in time."""
    if not _injecting(project):
        return True
    path = _path(project)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_file(path, secrets.token_hex(8).encode())
    deadline = time.monotonic() + ENDED_WITHIN_S
    while _injecting(project):
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_S)
    return True


def by_hand_folder(project: str) -> Path:
    """Where the driver keeps the journal of faults by hand."""
    return state_dir() / "by-hand" / project


def _path(project: str) -> Path:
    return by_hand_folder(project) / "end"


def _injecting(project: str) -> bool:
    return any(holder.words[:1] == ["inject"] for holder in holders(project))


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""
