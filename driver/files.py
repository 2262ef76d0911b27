"""Reads files that others wrote: plain files alone, no larger than is asked for."""

from __future__ import annotations

import os
import stat
from pathlib import Path


class FileReadError(Exception):
    """A file that cannot be read: a sentence without its name."""


def read_file(path: Path, max_bytes: int) -> bytes:
    """The content of a plain file. Raises FileReadError.

    A pipe or a device is refused and not waited for; the size is looked at before anything is read.
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
