"""The driver's own journal: a file that is appended to, line by line, each sealed."""

from __future__ import annotations

import os
import threading
import time
from functools import partial
from pathlib import Path

from driver.runs.store import unwritable
from wire.events import Event, Journal
from wire.journal_chain import JournalWriter

BY = "driver"
FILE_NAME = f"{BY}.jsonl"
LINE_BYTES = 4 << 20
"""A line about five hundred tasks, or about all links of a large fleet."""


class JournalFile:
    """An open journal, for any thread. Lines are written unbuffered: a `kill -9` of the driver loses none.

    The first line that the disk refuses raises LabError. Later ones are left out, and raise nothing: what
    heals and takes down after it writes too, and must come to its end.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE_NAME
        self._refused = False
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._descriptor = os.open(self._path, flags, 0o666)
        except OSError as error:
            raise unwritable(self._path, error) from None
        size_bytes = os.fstat(self._descriptor).st_size
        self._writer = JournalWriter(
            size_bytes, partial(os.pread, self._descriptor), partial(os.write, self._descriptor)
        )
        self._lock = threading.Lock()
        self.write = Journal(BY, self._append, time.monotonic_ns, time.time, LINE_BYTES)

    def write_at(self, at_ns: int, kind: type[Event], /, **fields: object) -> None:
        """Append an event that happened at another instant than now."""
        journal = Journal(BY, self._append, lambda: at_ns, time.time, LINE_BYTES)
        journal(kind, **fields)

    def close(self) -> None:
        """Put everything on the disk."""
        os.close(self._descriptor)

    def _append(self, line: bytes) -> None:
        with self._lock:
            if self._refused:
                return
            self._writer.write(line)
            try:
                self._writer.flush()
            except OSError as error:
                self._refused = True
                raise unwritable(self._path, error) from None
