"""The chain of hashes in a journal, by which a line that is missing or altered shows. No I/O.

The last line of every write ends with its seal, `,"n":1234,"h":"0123456789abcdef"}`: the number of that line
in its file, counted from 1 over all lives of the process, and a hash over the hash before it and all bytes
since, up to `,"h"`. A new life goes on with the chain of the one before it, so that a life cannot be taken
out.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

BLOCK_LINES = 1000
"""Lines that one seal stands for, at most: a hole is named as closely as that."""
FIRST_LOOK_BYTES = 64 << 10
_HEX_DIGITS = 16
_SEAL = re.compile(rb',"n":(\d{1,18})(,"h":"([0-9a-f]{16})")\}\n')


@dataclass(frozen=True)
class Break:
    """The lines `first` to `last` of a file do not fit the seal at their end.

    `missing` lines were taken out; 0: lines were altered; below 0: lines were added or moved.
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
    """What the seals of a file say. `lines` and `head` are of its last seal; 0 and "" where it has none.

    `size_bytes` is that of the whole file, with what a kill left behind the last seal.
    """

    lines: int
    head: str
    size_bytes: int
    breaks: tuple[Break, ...] = ()

    @property
    def is_sealed(self) -> bool:
        """Whether there is any seal: journals of before there were seals have none."""
        return bool(self.head)


class JournalChain:
    """Seals what one process appends to its file. `lines` of the file are counted with those of other lives.

    `head` is the last hash, `rest` what follows its line in the file: a write that a kill cut short.
    """

    def __init__(self, lines: int = 0, head: bytes = b"", rest: bytes = b"") -> None:
        self._hash = hashlib.sha256(head + rest)
        self._lines = lines + rest.count(b"\n")
        # The next line must not be glued to one that an earlier life did not finish.
        self._first = b"\n" if rest and not rest.endswith(b"\n") else b""

    def seal(self, lines: Sequence[bytes]) -> bytes:
        """What to append to the file for these lines, each of which ends in a newline.

        A line that is no JSON object takes no seal: the next one covers it.
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


def last_seal(size_bytes: int, read: Callable[[int, int], bytes]) -> tuple[int, bytes, bytes]:
    """The number and hash of a file's last seal, and the bytes behind it; (0, b"", all of it) without one.

    `read(length, offset)` gives the file's bytes; it is asked from the end, and only for as much as it takes.
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
    """The chain of a file that has `size_bytes` already, for its next life. `read` as in `last_seal`."""
    return JournalChain(*last_seal(size_bytes, read))


def read_chain(data: bytes) -> ChainRead:
    """Whether the bytes of a journal are as they were written. After a break it goes on at the next seal."""
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
