"""Folder of a lab of processes, which its user alone can open: /tmp/stormlab-processes-UID/PROJECT."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path

from driver.errors import LabError

PARENT = Path("/tmp")
"""Short: a Unix socket's path has 107 characters at most."""
MAKE_TRIES = 20
SOCKET, LOGS, STORES, ROOT, OWN_LOG = "socket", "logs", "stores", "root", "supervisor.log"


def lab_folder(project: str) -> Path:
    """Return the folder of a lab, which may not exist."""
    return PARENT / f"stormlab-processes-{os.geteuid()}" / project


def is_trusted(folder: Path) -> bool:
    """Return whether the folder above a lab's is this user's alone: in /tmp any user can make one of its
    name.
    """
    try:
        seen = folder.parent.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(seen.st_mode) and seen.st_uid == os.geteuid() and not seen.st_mode & 0o077


def ensure_trusted(folder: Path) -> None:
    """Make the folder above a lab's where it is missing. Raises LabError for one that others can change."""
    above = folder.parent
    try:
        above.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise LabError(f"{above} cannot be made: {error.strerror}.", "Make room, or remove it.") from None
    if not is_trusted(folder):
        raise LabError(
            f"{above} is not a folder of this user's alone, so that a lab cannot be kept there.",
            f"Remove it: rm -r {above}",
        )


def make_private_folder(folder: Path, owner: tuple[int, int] | None) -> None:
    """Make a folder of one process, that its user alone can open; `owner` is a user and a group, None: this
    user's. Other users of this machine must not write what is judged. Raises OSError.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if owner is not None:
        os.chown(folder, *owner)
    folder.chmod(0o700)


def make_lab_folder(project: str) -> Path:
    """Return the empty folder of a lab, made anew. Raises LabError."""
    folder = lab_folder(project)
    try:
        _make(folder)
        for name in (LOGS, STORES, ROOT):
            (folder / name).mkdir()
    except OSError as error:
        raise LabError(f"{folder} cannot be made: {error.strerror}.", "Make room, or remove it.") from None
    return folder


def _make(folder: Path) -> None:
    for _ in range(MAKE_TRIES):
        ensure_trusted(folder)
        # The end of this user's last other lab removes the folder above at any instant.
        with suppress(FileNotFoundError):
            folder.mkdir(mode=0o700)
            return
    raise FileNotFoundError(0, f"{folder.parent} is removed again and again")
