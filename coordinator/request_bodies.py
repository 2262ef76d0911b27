"""Bodies of the control API: each within its limit and its time, and all of them together within a budget."""

from __future__ import annotations

import asyncio
from typing import Final, Protocol

MIB: Final = 1024 * 1024
BODY_MAX_BYTES: Final = 16 * MIB
"""One submission. Its tasks take some times that much while they are looked at."""
ALL_MAX_BYTES: Final = 64 * MIB
"""All submissions that are being read, or wait to be looked at."""
READ_TIMEOUT_S: Final = 30.0
"""A body is here by then, or it is given up: until then it takes room from others."""


class TooLargeError(Exception):
    """One body has more than BODY_MAX_BYTES."""


class NoRoomError(Exception):
    """All bodies together have more than ALL_MAX_BYTES."""


class Chunks(Protocol):
    """What gives a body (aiohttp's StreamReader)."""

    async def readany(self) -> bytes:
        """The next bytes; none at the end."""
        ...


class RequestBodies:
    """The room for bodies. `held_bytes` are those of all that were read and not `done`."""

    def __init__(self, most: int = ALL_MAX_BYTES, one: int = BODY_MAX_BYTES) -> None:
        self.held_bytes = 0
        self._most = most
        self._one = one

    def reserve(self, size_bytes: int) -> None:
        """Take room. Raises NoRoomError, and then none was taken."""
        if self.held_bytes + size_bytes > self._most:
            raise NoRoomError(f"{self.held_bytes} bytes of submissions are being read already")
        self.held_bytes += size_bytes

    def release(self, size_bytes: int) -> None:
        """Give room back."""
        self.held_bytes -= size_bytes
        assert self.held_bytes >= 0, "more was given back than taken"

    async def read(self, content: Chunks, announced_bytes: int | None) -> bytes:
        """The whole body; its size is held until `done`.

        Raises TooLargeError, NoRoomError, or TimeoutError; then nothing is held.
        """
        if announced_bytes is not None and announced_bytes > self._one:
            raise TooLargeError(f"a submission has at most {self._one} bytes; this one has {announced_bytes}")
        held, pieces = 0, []
        try:
            async with asyncio.timeout(READ_TIMEOUT_S):
                while piece := await content.readany():
                    if held + len(piece) > self._one:
                        raise TooLargeError(f"a submission has at most {self._one} bytes")
                    self.reserve(len(piece))
                    held += len(piece)
                    pieces.append(piece)
        except BaseException:
            self.release(held)
            raise
        return b"".join(pieces)
