"""Reads journals while they are being written: only new lines, whole ones, a bounded piece at a time."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from driver.histories.journal_folder import find_journals, open_journal
from driver.histories.journal_kinds import PROBER

MAX_FILE_BYTES = 1 << 20
"""The largest piece of one file in one read; the rest comes with the next."""
MAX_BYTES, LEAST_FILE_BYTES = 4 << 20, 32 << 10
"""About the sum of all pieces in one read; and the least piece of a file, however many files there are."""
UNSHOWN = ("traffic", "received", "result_acknowledged", "assigned", "tasks_accepted", "waiting")
"""Kinds of events that the dashboard does not show: most of a journal, dropped before they are decoded."""
_SKIPPED = tuple(f'{{"event":"{kind}"'.encode() for kind in UNSHOWN)


@dataclass
class _File:
    offset: int = 0
    torn: bytes = b""
    inode: int = 0


class JournalTail:
    """The journals of one folder, but for the prober's: its receipts are in the driver's journal.

    `back_bytes`: of a journal that is longer, only its last bytes are read. What is no regular file is
    skipped; judging the run names it.
    """

    def __init__(self, folder: Path, back_bytes: int | None = None) -> None:
        self.folder = folder
        self._back_bytes = back_bytes
        self._files: dict[Path, _File] = {}

    def read(self) -> list[tuple[str, list[bytes], bool]]:
        """Return (process, new lines, whether more can be read at once) of each journal that has news.

        Where more can be read, the last line is included whatever its kind: its time is how far the file was
        read.
        """
        found = find_journals(self.folder).journals
        found.pop(PROBER, None)
        most = max(LEAST_FILE_BYTES, min(MAX_FILE_BYTES, MAX_BYTES // max(1, len(found))))
        read = [(name, *self._read(path, most)) for name, path in found.items()]
        return [(name, lines, more) for name, lines, more in read if lines or more]

    def _read(self, path: Path, most: int) -> tuple[list[bytes], bool]:
        file = self._files.setdefault(path, _File())
        try:
            with open_journal(path) as descriptor:
                stat = os.fstat(descriptor)
                if stat.st_ino != file.inode or stat.st_size < file.offset:
                    # Another file has replaced it, which is read from its beginning.
                    file.offset, file.torn, file.inode = 0, b"", stat.st_ino
                    if self._back_bytes is not None and stat.st_size > self._back_bytes:
                        # The line that is cut in two does not decode, and is left out.
                        file.offset = stat.st_size - self._back_bytes
                if stat.st_size == file.offset:
                    return [], False
                data = os.pread(descriptor, most, file.offset)
        except OSError:
            return [], False
        file.offset += len(data)
        *lines, file.torn = (file.torn + data).split(b"\n")
        if len(file.torn) > MAX_FILE_BYTES:
            file.torn = b""
        more = len(data) == most
        last = len(lines) - 1 if more else None
        return [
            line
            for place, line in enumerate(lines)
            if line and (place == last or not line.startswith(_SKIPPED))
        ], more
