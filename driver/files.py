"""Bounded reads of plain files, and writes that replace a file in one step."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

from driver.errors import LabError


class FileReadError(Exception):
    """A file cannot be read; the text is the problem, without the file's name."""


def read_file(path: Path, max_bytes: int) -> bytes:
    """Return the content of a plain file. Raises FileReadError.

    A pipe or a device is refused without waiting for it; the size is checked before anything is read.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(handle, "rb") as file:
            seen = os.fstat(handle)
            if not stat.S_ISREG(seen.st_mode):
                raise FileReadError("cannot be read: expected a plain file")
            if seen.st_size > max_bytes:
                raise FileReadError(f"expected at most {max_bytes} bytes; found {seen.st_size}")
            data = file.read(max_bytes + 1)
    except (OSError, ValueError) as error:
        # ValueError: a NUL in the name.
        raise FileReadError(f"cannot be read: {getattr(error, 'strerror', None) or error}") from None
    if len(data) > max_bytes:
        raise FileReadError(f"expected at most {max_bytes} bytes; it grows while it is read")
    return data


def write_file(path: Path, data: bytes, mode: int = 0o644) -> None:
    """Replace a file in one step: a reader finds the old or the new content, also after a crash.

    Raises LabError when the file cannot be written; the old content is kept.
    """
    name = ""
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
            os.fchmod(file.fileno(), mode)
        os.replace(name, path)
    except OSError as error:
        if name and os.path.exists(name):
            os.unlink(name)
        raise unwritable(path, error) from None


def unwritable(path: Path, error: OSError) -> LabError:
    """Return the error for a path that cannot be written: a full disk, or missing permission."""
    return LabError(
        f"{path} could not be written: {error.strerror}.",
        "What was collected before is kept. Make room, then `lab.py judge` the run's folder again.",
    )
