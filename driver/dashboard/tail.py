"""Reads journals while they are being written: only what is new, whole lines, so much at a time."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from driver.histories.journal_folder import find_journals, open_journal
from driver.histories.journal_kinds import PROBER

READ_BYTES = 1 << 20
"""At most so much of one file in one look; what is left comes with the next."""
LOOK_BYTES, LEAST_BYTES = 4 << 20, 32 << 10
"""So much of all files together, about; but so much of each, however many there are."""
UNSHOWN = ("traffic", "received", "result_acknowledged", "assigned", "tasks_accepted", "waiting")
"""Kinds of events that nothing here shows: most of a journal, told apart before they cost a decoding."""
_SKIPPED = tuple(f'{{"event":"{kind}"'.encode() for kind in UNSHOWN)


@dataclass
class _File:
    offset: int = 0
    torn: bytes = b""
    inode: int = 0


class Tail:
    """The journals of one folder. The prober's are left out: its receipts come in the driver's own.

    What is no regular file is passed over here, and named when the run is judged.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._files: dict[Path, _File] = {}

    def look(self) -> list[tuple[str, list[bytes], bool]]:
        """For each journal that has news: whose it is, its new lines, and whether more can be read at once.

        Where more can, the last line is told whatever it is: it says how far in time the file was read.
        """
        found = find_journals(self.folder).journals
        found.pop(PROBER, None)
        most = max(LEAST_BYTES, min(READ_BYTES, LOOK_BYTES // max(1, len(found))))
        read = [(name, *self._read(path, most)) for name, path in found.items()]
        return [(name, lines, more) for name, lines, more in read if lines or more]

    def _read(self, path: Path, most: int) -> tuple[list[bytes], bool]:
        file = self._files.setdefault(path, _File())
        try:
            with open_journal(path) as descriptor:
                stat = os.fstat(descriptor)
                if stat.st_ino != file.inode or stat.st_size < file.offset:
                    # Another file has taken its place: it is read from its beginning.
                    file.offset, file.torn, file.inode = 0, b"", stat.st_ino
                if stat.st_size == file.offset:
                    return [], False
                data = os.pread(descriptor, most, file.offset)
        except OSError:
            return [], False
        file.offset += len(data)
        *lines, file.torn = (file.torn + data).split(b"\n")
        if len(file.torn) > READ_BYTES:
            file.torn = b""
        more = len(data) == most
        last = len(lines) - 1 if more else None
        return [
            line
            for place, line in enumerate(lines)
            if line and (place == last or not line.startswith(_SKIPPED))
        ], more
