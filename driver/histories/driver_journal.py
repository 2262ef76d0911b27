"""A journal that the driver writes: an append-only file of lines, chained by hashes."""

from __future__ import annotations

import os
import threading
import time
from functools import partial
from pathlib import Path

from driver.files import unwritable
from driver.histories.history import DRIVER
from driver.histories.journal_folder import SUFFIX
from wire.events import Event, Journal
from wire.journal_chain import JournalWriter

FILE_NAME = f"{DRIVER}{SUFFIX}"
LINE_BYTES = 4 << 20
"""Limit of a line: one may list 500 requests, or all links of a large fleet."""


class DriverJournal:
    """An open journal of one `process`, by default the driver's own, for any thread.

    Lines are written unbuffered: a `kill -9` of the driver loses none. The first line that cannot be written
    raises LabError. Later lines are dropped without an error, so that healing and taking down, which also
    write, complete. Opening raises LabError too.
    """

    def __init__(self, folder: Path, process: str = DRIVER) -> None:
        self._process = process
        self._path = folder / f"{process}{SUFFIX}"
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
        self.write = Journal(process, self._append, time.monotonic_ns, time.time, LINE_BYTES)

    def write_at(self, at_ns: int, kind: type[Event], /, **fields: object) -> None:
        """Append an event that happened at `at_ns` (CLOCK_MONOTONIC). Raises LabError."""
        journal = Journal(self._process, self._append, lambda: at_ns, time.time, LINE_BYTES)
        journal(kind, **fields)

    def close(self) -> None:
        """Close the file."""
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
