"""DEFLATE where it makes the payload smaller; bounded decompression."""

from __future__ import annotations

import zlib

FLOOR_BYTES = 512
LEVEL = 1
KEEP_BELOW = 0.9


def deflate(data: bytes) -> bytes | None:
    """Return `data` deflated (RFC 1951, no header), or None where it has less than FLOOR_BYTES or would not
    shrink below KEEP_BELOW.
    """
    if len(data) < FLOOR_BYTES:
        return None
    deflater = zlib.compressobj(LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    small = deflater.compress(data) + deflater.flush()
    return small if len(small) < KEEP_BELOW * len(data) else None


def inflate(data: bytes, limit_bytes: int) -> bytes:
    """Return the bytes that `deflate` was given.

    Raises OverflowError when they are more than `limit_bytes`, and ValueError when the stream ends early, has
    bytes behind its end, or is not DEFLATE.
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
