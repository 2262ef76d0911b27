"""The journal's file: lines are gathered in memory, sealed (wire/journal_chain.py), and written in one call
before any frame leaves this process.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

from wire.journal_chain import resumed


class JournalFile:
    """Appends whole lines. `flush` precedes every send, so that `kill -9` loses no line about a frame that
    was sent.
    """

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o666)
        size_bytes = os.fstat(self._descriptor).st_size
        self._chain = resumed(size_bytes, partial(os.pread, self._descriptor))
        self._lines: list[bytes] = []

    @property
    def write(self) -> Callable[[bytes], None]:
        """A function that appends one whole line."""
        return self._lines.append

    def flush(self) -> None:
        """Write the gathered lines. Raises OSError."""
        if not self._lines:
            return
        data = memoryview(self._chain.seal(self._lines))
        self._lines.clear()
        while data:
            data = data[os.write(self._descriptor, data) :]

    def close(self) -> None:
        """Flush and close."""
        self.flush()
        os.close(self._descriptor)
