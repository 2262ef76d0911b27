"""Reads journals while they are being written: only what is new, whole lines, so much at a time."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

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
    """The journals of one folder. The prober's are left out: its receipts come in the driver's own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._files: dict[Path, _File] = {}

    def look(self) -> list[tuple[list[bytes], bool]]:
        """For each file that has news, its new lines, and whether more of it can be read at once.

        Where more can, the last line is told whatever it is: it says how far in time the file was read.
        """
        paths = self._paths()
        most = max(LEAST_BYTES, min(READ_BYTES, LOOK_BYTES // max(1, len(paths))))
        found = [self._read(path, most) for path in paths]
        return [(lines, more) for lines, more in found if lines or more]

    def _paths(self) -> list[Path]:
        try:
            found = sorted(path for path in self.folder.iterdir() if path.suffix == ".jsonl")
        except OSError:
            return []
        return [path for path in found if path.name != "prober.jsonl"]

    def _read(self, path: Path, most: int) -> tuple[list[bytes], bool]:
        file = self._files.setdefault(path, _File())
        try:
            with path.open("rb") as opened:
                stat = path.stat()
                if stat.st_ino != file.inode or stat.st_size < file.offset:
                    # Another file has taken its place: it is read from its beginning.
                    file.offset, file.torn, file.inode = 0, b"", stat.st_ino
                if stat.st_size == file.offset:
                    return [], False
                opened.seek(file.offset)
                data = opened.read(most)
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
