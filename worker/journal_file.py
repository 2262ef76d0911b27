"""The journal's lines on disk: gathered in memory, sealed, and written in one call before anything leaves
this process.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

from wire.journal_chain import resumed


class JournalFile:
    """Appends whole lines. `flush` comes before every send, so that `kill -9` loses no line about what others
    saw.
    """

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o666)
        size_bytes = os.fstat(self._descriptor).st_size
        self._chain = resumed(size_bytes, partial(os.pread, self._descriptor))
        self._lines: list[bytes] = []

    @property
    def write(self) -> Callable[[bytes], None]:
        """Takes one whole line."""
        return self._lines.append

    def flush(self) -> None:
        """Write what was taken. Raises OSError when the disk will not have it."""
        if not self._lines:
            return
        data = memoryview(self._chain.seal(self._lines))
        self._lines.clear()
        while data:
            data = data[os.write(self._descriptor, data) :]

    def close(self) -> None:
        """Write the rest, and close."""
        self.flush()
        os.close(self._descriptor)
