"""Log of one process: each line after its time, in files of bounded size. Imports the standard library
alone.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

MAX_BYTES = 10 << 20
KEPT = 3
"""Files of one log: the newest has no number."""
MAX_LINE = 16_384
POLL_S = 0.1
FOLLOW_S = 86_400.0
PIECE_BYTES = 1 << 16


class LogWriter:
    """Writes lines with their times into `name` in the folder of a descriptor. Raises OSError."""

    def __init__(self, folder: int, name: str) -> None:
        self._folder = folder
        self._name = name
        self._partial = b""
        self._open()

    def write(self, piece: bytes) -> None:
        """Write the whole lines of what came so far; a line beyond MAX_LINE is written in parts."""
        *lines, self._partial = (self._partial + piece).split(b"\n")
        while len(self._partial) >= MAX_LINE:
            lines.append(self._partial[:MAX_LINE])
            self._partial = self._partial[MAX_LINE:]
        if lines:
            stamp = _now()
            self._append(b"".join(stamp + line + b"\n" for line in lines))

    def close(self) -> None:
        """Write the last, unfinished line."""
        if self._partial:
            self.write(b"\n")
        os.close(self._file)

    def _append(self, data: bytes) -> None:
        if self._size + len(data) > MAX_BYTES:
            os.close(self._file)
            for number in range(KEPT - 1, 0, -1):
                with suppress(FileNotFoundError):
                    os.rename(
                        numbered(self._name, number - 1), numbered(self._name, number),
                        src_dir_fd=self._folder, dst_dir_fd=self._folder,
                    )  # fmt: skip
            self._open()
        self._size += os.write(self._file, data)

    def _open(self) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        self._file = os.open(self._name, flags, 0o600, dir_fd=self._folder)
        self._size = os.fstat(self._file).st_size


def numbered(name: str, number: int) -> str:
    """Return the name of an older file of a log; 0 is the newest."""
    return f"{name}.{number}" if number else name


def read_log(path: Path) -> Iterator[bytes]:
    """Yield a log up to now in pieces, the oldest first. Raises OSError but for files that are not there."""
    for number in range(KEPT - 1, -1, -1):
        with suppress(FileNotFoundError), path.with_name(numbered(path.name, number)).open("rb") as file:
            while piece := file.read(PIECE_BYTES):
                yield piece


def last_lines(path: Path, count: int | None) -> str:
    """Return the last lines of a log (None: all)."""
    lines = b"".join(read_log(path)).decode(errors="replace").splitlines(keepends=True)
    return "".join(lines if count is None else lines[len(lines) - min(count, len(lines)) :])


def follow_lines(
    path: Path, count: int, goes_on: Callable[[], bool], poll_s: float = POLL_S
) -> Iterator[str]:
    """Yield the last lines of a log's newest file, then each new line, until `goes_on` returns False; for
    FOLLOW_S at most. Raises OSError.
    """
    deadline_s = time.monotonic() + FOLLOW_S
    file = path.open("rb")
    try:
        earlier = file.read().splitlines(keepends=True)
        for line in earlier[len(earlier) - min(count, len(earlier)) :]:
            yield line.decode(errors="replace")
        while time.monotonic() < deadline_s:
            is_last = not goes_on()
            for line in file:
                yield line.decode(errors="replace")
            if not os.path.samestat(os.fstat(file.fileno()), path.stat()):
                file.close()
                file = path.open("rb")
            elif is_last:
                return
            else:
                time.sleep(poll_s)
    finally:
        file.close()


def _now() -> bytes:
    """The time as RFC 3339 with nine digits, and a space."""
    at_ns = time.time_ns()
    seconds = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at_ns // 10**9))
    return f"{seconds}.{at_ns % 10**9:09d}Z ".encode()
