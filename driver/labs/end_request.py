"""A request of `heal` to end the manual injections of other processes: a file that each of them polls."""

from __future__ import annotations

import asyncio
import secrets
import time
from pathlib import Path

from driver.files import write_file
from driver.labs.lab_journals import manual_journal_folder
from driver.labs.lab_lock import lock_holders

POLL_S = 0.1
ENDED_WITHIN_S = 20.0
"""Enough for a container that is being stopped: its fault ends once it has stopped."""


class EndRequest:
    """Requests to end injections of a project since this object was created."""

    def __init__(self, project: str) -> None:
        self._path = _path(project)
        self._before = _read(self._path)

    async def wait(self) -> None:
        """Return when the end is requested, by polling each POLL_S."""
        while True:
            if _read(self._path) != self._before:
                return
            await asyncio.sleep(POLL_S)


def end_injections(project: str, within_s: float = ENDED_WITHIN_S) -> bool:
    """Request the end of all manual injections, and wait for it, `within_s` at most.

    Returns whether all ended. Raises LabError or OSError where the request cannot be written.
    """
    if not _injecting(project):
        return True
    path = _path(project)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_file(path, secrets.token_hex(8).encode())
    deadline = time.monotonic() + within_s
    while _injecting(project):
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_S)
    return True


def _path(project: str) -> Path:
    return manual_journal_folder(project) / "end"


def _injecting(project: str) -> bool:
    return any(holder.words[:1] == ["inject"] for holder in lock_holders(project))


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""
