"""Reads what a load's command prints: a JSON line an operation. Bounded, whatever the bytes are. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import msgspec

from driver.histories.system_events import VALUE_CHARS
from driver.loads.operation_log import Scalar
from driver.typed_json import decode_json
from wire.errors import DECODE_ERRORS

MOST_LINE_BYTES = 8 * VALUE_CHARS
EARLY_NS = 1_000_000_000
"""An operation may be called so long before its load begins: a setup."""


class BadLineError(ValueError):
    """A line that is no operation, and what is wrong with it."""


class ReportedOperation(msgspec.Struct, frozen=True):
    """One line. Instants are of CLOCK_MONOTONIC; without `due_ns` it was due when it was called."""

    op: str
    key: str | int
    call_ns: int
    return_ns: int
    outcome: str
    value: Scalar = None
    due_ns: int = 0
    process: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)] = 0
    detail: str = ""


class LineSplitter:
    """Splits bytes into lines; of one that is too long nothing is kept but that there was one."""

    def __init__(self, most_bytes: int = MOST_LINE_BYTES) -> None:
        self._most = most_bytes
        self._begun = b""
        self._is_too_long = False

    def feed(self, piece: bytes) -> Iterator[bytes | None]:
        """Yield each line that these bytes end, without its end; None for one that is too long."""
        *ended, rest = piece.split(b"\n")
        for line in ended:
            whole = self._begun + line
            is_too_long = self._is_too_long or len(whole) > self._most
            self._begun, self._is_too_long = b"", False
            yield None if is_too_long else whole
        self._begun += rest
        if len(self._begun) > self._most:
            self._begun, self._is_too_long = b"", True

    def end(self) -> Iterator[bytes | None]:
        """Yield the last line, where it has no end."""
        if self._begun or self._is_too_long:
            yield from self.feed(b"\n")


def reported(line: bytes | None, begin_ns: int, now_ns: int) -> ReportedOperation | None:
    """Return the operation in a line that was read at `now_ns`, of a load that began at `begin_ns`; None for
    an empty line.

    Raises BadLineError.
    """
    if line is None:
        raise BadLineError(f"a line is longer than {MOST_LINE_BYTES} bytes")
    if not line.strip():
        return None
    try:
        found = decode_json(line, ReportedOperation)
    except DECODE_ERRORS as error:
        raise BadLineError(f"a line is no operation: {error}") from None
    first_ns = found.due_ns or found.call_ns
    if not begin_ns - EARLY_NS <= first_ns <= found.call_ns <= found.return_ns <= now_ns:
        raise BadLineError("instants of a line are not of CLOCK_MONOTONIC, within the load, and in order")
    return found
