"""Protocol between the prober and the far end of a link: a pattern of bytes, a stamped echo, beats. No I/O.

The far end answers GET /probe/<n> with the pattern's first n bytes, and echoes the binary messages of a
WebSocket. It is the coordinator on the reference system, and the prober's own elsewhere.
"""

from __future__ import annotations

import struct
import zlib

BYTES_PATH = "/probe/"
ECHO_PATH = "/v1/probe"
STAMPED_PATH = "/v1/probe/stamped"
ECHO_PATHS = (ECHO_PATH, STAMPED_PATH)
STAMP = struct.Struct(">QII")
"""Prefix of each stamped echo: CLOCK_MONOTONIC at the message's arrival, the number of messages so far, the
message's CRC-32. So the prober measures each direction by itself.
"""
BEAT_EVERY_S = 1.0
"""How often a stamped echo sends a bare stamp, so that bytes move to the prober although none come from
it.
"""
BYTES_MAX = 64 * 1024
PATTERN = bytes(i % 251 for i in range(BYTES_MAX))
PREAMBLE = "STORMLAB PROBE "
"""First line of a connection to a door's probe entry; the name of the link in the door follows."""
JOINED = b"OK\n"
"""The door's answer, once the connection is one of its link."""


def pattern(path: str) -> bytes | None:
    """Return what GET `path` asks for; None where it is not /probe/0 to /probe/BYTES_MAX."""
    count = path.removeprefix(BYTES_PATH)
    if not (count.isascii() and count.isdigit() and len(count) <= 5 and int(count) <= BYTES_MAX):
        return None
    return PATTERN[: int(count)]


def stamp(now_ns: int, count: int, message: bytes) -> bytes:
    """Return the stamp of message number `count`, which arrived at `now_ns`."""
    return STAMP.pack(now_ns, count & 0xFFFFFFFF, zlib.crc32(message))


def beat(now_ns: int) -> bytes:
    """Return a bare stamp: it belongs to no message."""
    return STAMP.pack(now_ns, 0, 0)


def preamble(link: str) -> str:
    """Return the first line of a connection to a door's probe entry, without its newline."""
    return PREAMBLE + link
