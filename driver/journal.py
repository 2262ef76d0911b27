"""The driver's own journal: a file that is appended to, line by line."""

from __future__ import annotations

import time
from io import FileIO
from pathlib import Path

from wire.events import Journal

FILE_NAME = "driver.jsonl"


class JournalFile:
    """An open journal. Lines are written unbuffered, so that a `kill -9` of the driver loses none."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._file = FileIO(str(folder / FILE_NAME), "ab")
        self.write = Journal("driver", self._file.write, time.monotonic_ns, time.time)

    def close(self) -> None:
        """Put everything on the disk."""
        self._file.close()
