"""The driver's own journal: a file that is appended to, line by line."""

from __future__ import annotations

import time
from io import FileIO
from pathlib import Path

from wire.events import Event, Journal

BY = "driver"
FILE_NAME = f"{BY}.jsonl"


class JournalFile:
    """An open journal. Lines are written unbuffered, so that a `kill -9` of the driver loses none."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._file = FileIO(str(folder / FILE_NAME), "ab")
        self.write = Journal(BY, self._file.write, time.monotonic_ns, time.time)

    def write_at(self, at_ns: int, kind: type[Event], /, **fields: object) -> None:
        """Append an event that happened at another instant than now."""
        journal = Journal(BY, self._file.write, lambda: at_ns, time.time)
        journal(kind, **fields)

    def close(self) -> None:
        """Put everything on the disk."""
        self._file.close()
