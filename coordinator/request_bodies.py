"""Bodies of the control API: each within its size and time limit, and all of them together within a
budget.
"""

from __future__ import annotations

import asyncio
from typing import Final, Protocol

MIB: Final = 1024 * 1024
BODY_MAX_BYTES: Final = 16 * MIB
"""Limit of one submission. Decoding its tasks takes a multiple of that."""
ALL_MAX_BYTES: Final = 64 * MIB
"""Limit of all submissions that are being read, or wait to be decoded."""
READ_TIMEOUT_S: Final = 30.0
"""A body that takes longer is discarded: until then it takes room from others."""


class TooLargeError(Exception):
    """One body has more than BODY_MAX_BYTES."""


class NoRoomError(Exception):
    """All bodies together have more than ALL_MAX_BYTES."""


class Chunks(Protocol):
    """The source of a body (aiohttp's StreamReader)."""

    async def readany(self) -> bytes:
        """Return the next bytes; b"" at the end."""
        ...


class RequestBodies:
    """The room for bodies. `held_bytes` counts all that were read and not released.

    Args:
        limit: bytes of all bodies together.
        one: bytes of one body.
        read_timeout_s: how long the reading of one body takes at most.
    """

    def __init__(
        self,
        limit: int = ALL_MAX_BYTES,
        one: int = BODY_MAX_BYTES,
        read_timeout_s: float = READ_TIMEOUT_S,
    ) -> None:
        self.held_bytes = 0
        self._limit = limit
        self._one = one
        self._read_timeout_s = read_timeout_s

    def reserve(self, size_bytes: int) -> None:
        """Reserve room. Raises NoRoomError; then nothing is reserved."""
        if self.held_bytes + size_bytes > self._limit:
            raise NoRoomError(f"{self.held_bytes} bytes of submissions are being read already")
        self.held_bytes += size_bytes

    def release(self, size_bytes: int) -> None:
        """Return reserved room."""
        self.held_bytes -= size_bytes
        assert self.held_bytes >= 0, "more was given back than taken"

    async def read(self, content: Chunks, announced_bytes: int | None) -> bytes:
        """Return the whole body; its size stays reserved until `release`.

        Raises TooLargeError, NoRoomError, or TimeoutError; then nothing is reserved.
        """
        if announced_bytes is not None and announced_bytes > self._one:
            raise TooLargeError(f"a submission has at most {self._one} bytes; this one has {announced_bytes}")
        held, pieces = 0, []
        try:
            async with asyncio.timeout(self._read_timeout_s):
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
