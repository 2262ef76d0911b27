"""The journal's file: lines are gathered in memory, sealed (wire/journal_chain.py), and written in one call
before any frame leaves this process.
"""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

from wire.journal_chain import JournalWriter


class WorkerJournalFile(JournalWriter):
    """The open journal. `flush` precedes every send, so that `kill -9` loses no line about a frame that was
    sent.
    """

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o666)
        size_bytes = os.fstat(self._descriptor).st_size
        super().__init__(size_bytes, partial(os.pread, self._descriptor), partial(os.write, self._descriptor))

    def close(self) -> None:
        """Flush and close."""
        self.flush()
        os.close(self._descriptor)
