"""Hash chain of a journal, which reveals missing and altered lines. No I/O.

The last line of every write ends with its seal, `,"n":1234,"h":"0123456789abcdef"}`: the number of that line
in its file, counted from 1 over all lives of the process, and a hash over the hash before it and all bytes
since, up to `,"h"`. A new life continues the chain of the one before, so that no life can be removed.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

BLOCK_LINES = 1000
"""Lines per seal, at most; a gap is located as closely as that."""
FIRST_LOOK_BYTES = 64 << 10
_HEX_DIGITS = 16
_SEAL = re.compile(rb',"n":(\d{1,18})(,"h":"([0-9a-f]{16})")\}\n')


@dataclass(frozen=True)
class Break:
    """The lines `first` to `last` of a file do not match the seal at their end.

    `missing` is the number of removed lines; 0: lines were altered; below 0: lines were added or moved.
    """

    first: int
    last: int
    missing: int

    def __str__(self) -> str:
        where = f"between lines {self.first} and {self.last}"
        if self.missing > 0:
            return f"{self.missing} lines are missing {where}"
        if self.missing < 0:
            return f"{-self.missing} lines too many {where}"
        return f"a line was altered {where}"


@dataclass(frozen=True)
class ChainRead:
    """The result of verifying a file. `lines` and `head` are those of its last seal; 0 and "" where it has
    none.

    `size_bytes` is the size of the whole file, including bytes after the last seal that a kill left.
    """

    lines: int
    head: str
    size_bytes: int
    breaks: tuple[Break, ...] = ()

    @property
    def is_sealed(self) -> bool:
        """Whether there is any seal; journals of older versions have none."""
        return bool(self.head)


class JournalChain:
    """Seals the lines that one process appends to its file. Line numbers include the lines of earlier lives.

    `head` is the last hash, `rest` the bytes after its line: a write that a kill cut short.
    """

    def __init__(self, lines: int = 0, head: bytes = b"", rest: bytes = b"") -> None:
        self._hash = hashlib.sha256(head + rest)
        self._lines = lines + rest.count(b"\n")
        # The next line must not continue a line that an earlier life left unfinished.
        self._first = b"\n" if rest and not rest.endswith(b"\n") else b""

    def seal(self, lines: Sequence[bytes]) -> bytes:
        """Return the bytes to append to the file for these lines, each of which ends in a newline.

        A line that is no JSON object gets no seal: the next seal covers it.
        """
        if len(lines) <= BLOCK_LINES:
            return self._sealed(lines)
        begins = range(0, len(lines), BLOCK_LINES)
        return b"".join([self._sealed(lines[begin : begin + BLOCK_LINES]) for begin in begins])

    def _sealed(self, lines: Sequence[bytes]) -> bytes:
        self._lines += len(lines) + len(self._first)
        first, self._first = self._first, b""
        if not lines or not lines[-1].endswith(b"}\n"):
            data = b"".join((first, *lines))
            self._hash.update(data)
            return data
        body = b"".join((first, *lines[:-1], lines[-1][:-2], b',"n":%d' % self._lines))
        self._hash.update(body)
        head = self._hash.hexdigest()[:_HEX_DIGITS].encode()
        self._hash = hashlib.sha256(head)
        return b'%b,"h":"%b"}\n' % (body, head)


class JournalWriter:
    """Gathers the lines of one process's journal, and appends them to its file, sealed and in one call.

    The file is the caller's, which has `size_bytes` already: `read(length, offset)` returns bytes of it, and
    `append(data)` returns how many bytes it wrote (os.pread and os.write). `size_bytes` counts all bytes that
    were appended since.
    """

    def __init__(
        self, size_bytes: int, read: Callable[[int, int], bytes], append: Callable[[memoryview], int]
    ) -> None:
        self.size_bytes = size_bytes
        self._append = append
        self._chain = resumed(size_bytes, read)
        self._lines: list[bytes] = []

    @property
    def write(self) -> Callable[[bytes], None]:
        """A function that adds one whole line to the next `flush`."""
        return self._lines.append

    def flush(self) -> None:
        """Append the gathered lines. Raises OSError; they are then lost."""
        if not self._lines:
            return
        data = memoryview(self._chain.seal(self._lines))
        self._lines.clear()
        self.size_bytes += len(data)
        while data:
            data = data[self._append(data) :]


def unsealed(line: bytes) -> bytes:
    """Return a line, with its newline, without its seal; one that has none as it is."""
    seal = _SEAL.search(line)
    return line[: seal.start()] + b"}\n" if seal is not None and seal.end() == len(line) else line


def last_seal(size_bytes: int, read: Callable[[int, int], bytes]) -> tuple[int, bytes, bytes]:
    """Return the number and hash of a file's last seal, and the bytes after it; (0, b"", the whole file)
    without one.

    `read(length, offset)` returns bytes of the file; it is called from the end, until a seal is found.
    """
    rest, at, step = b"", size_bytes, FIRST_LOOK_BYTES
    while at > 0:
        step = min(step * 2, at)
        at -= step
        rest = read(step, at) + rest
        seals = list(_SEAL.finditer(rest))
        if seals:
            return int(seals[-1][1]), seals[-1][3], rest[seals[-1].end() :]
    return 0, b"", rest


def resumed(size_bytes: int, read: Callable[[int, int], bytes]) -> JournalChain:
    """Return the chain that continues a file of `size_bytes`. `read` as in `last_seal`."""
    return JournalChain(*last_seal(size_bytes, read))


def read_chain(data: bytes) -> ChainRead:
    """Verify the bytes of a journal against its seals. After a break, verification continues at the next
    seal.
    """
    head, lines, at, file_line = b"", 0, 0, 0
    breaks: list[Break] = []
    for seal in _SEAL.finditer(data):
        number, sealed = int(seal[1]), seal[3]
        found = data.count(b"\n", at, seal.end())
        digest = hashlib.sha256(head)
        digest.update(memoryview(data)[at : seal.start(2)])
        whole = digest.hexdigest()[:_HEX_DIGITS].encode() == sealed
        if not whole or number != lines + found:
            breaks.append(Break(file_line + 1, file_line + found, number - lines - found))
        head, lines, at, file_line = sealed, number, seal.end(), file_line + found
    return ChainRead(lines, head.decode(), len(data), tuple(breaks))
