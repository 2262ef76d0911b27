"""Compression that only stands when it wins, and inflation that cannot explode."""

from __future__ import annotations

import zlib

FLOOR_BYTES = 512
LEVEL = 1
KEEP_BELOW = 0.9


def deflate(data: bytes) -> bytes | None:
    """`data` deflated (RFC 1951, no header), or None where it is small or would not shrink below 90 %."""
    if len(data) < FLOOR_BYTES:
        return None
    deflater = zlib.compressobj(LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    small = deflater.compress(data) + deflater.flush()
    return small if len(small) < KEEP_BELOW * len(data) else None


def inflate(data: bytes, limit_bytes: int) -> bytes:
    """The bytes that `shrink` was given.

    Raises ValueError when they are more than `limit_bytes`, end early, or are no deflate stream.
    """
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        whole = inflater.decompress(data, limit_bytes + 1)
    except zlib.error as error:
        raise ValueError(f"not a deflate stream: {error}") from None
    if len(whole) > limit_bytes:
        raise OverflowError(f"inflates to more than {limit_bytes} bytes")
    if not inflater.eof or inflater.unused_data:
        raise ValueError("the deflate stream ends early or has bytes behind its end")
    return whole
