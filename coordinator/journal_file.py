"""The coordinator's journal on disk: lines gather in memory for one turn of the loop, and are sealed and
written before any byte leaves.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

from wire.journal_chain import resumed


class JournalFile:
    """Appends lines to a file, many in one call. `size_bytes` is what the kernel has, where it survives this
    process.
    """

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o666)
        self._lines: list[bytes] = []
        self.size_bytes = os.fstat(self._descriptor).st_size
        self._chain = resumed(self.size_bytes, partial(os.pread, self._descriptor))

    @property
    def write(self) -> Callable[[bytes], None]:
        """Takes one line, and keeps it for the next flush."""
        return self._lines.append

    def flush(self) -> None:
        """Hand all lines to the kernel."""
        if self._lines:
            data = memoryview(self._chain.seal(self._lines))
            self._lines.clear()
            self.size_bytes += len(data)
            while data:
                data = data[os.write(self._descriptor, data) :]

    def close(self) -> None:
        """Flush, and let go of the file."""
        self.flush()
        os.close(self._descriptor)
