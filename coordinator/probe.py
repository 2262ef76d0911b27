"""Probes of the coordinator's end of a link: bytes of a known pattern, and an echo. Neither needs a session
or a key.
"""

from __future__ import annotations

import asyncio
import struct
import time
import zlib
from collections.abc import Awaitable, Callable
from http import HTTPStatus

from websockets.asyncio.server import ServerConnection
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.frames import CloseCode
from websockets.http11 import Response

BYTES_PATH = "/probe/"
ECHO_PATH = "/v1/probe"
STAMPED_PATH = "/v1/probe/stamped"
ECHO_PATHS = (ECHO_PATH, STAMPED_PATH)
STAMP = struct.Struct(">QII")
"""Prefix of each stamped echo: CLOCK_MONOTONIC at the message's arrival, the number of messages so far, the
message's CRC-32. So the prober measures each direction by itself.
"""
BEAT_EVERY_S = 1.0
BYTES_MAX = 64 * 1024
PATTERN = bytes(i % 251 for i in range(BYTES_MAX))


def pattern_response(path: str) -> Response:
    """Return the answer to GET /probe/<n>: the pattern's first n bytes."""
    count = path.removeprefix(BYTES_PATH)
    if not (count.isascii() and count.isdigit() and len(count) <= 5 and int(count) <= BYTES_MAX):
        return response(HTTPStatus.BAD_REQUEST, f"expected /probe/0 to /probe/{BYTES_MAX}\n".encode())
    return response(HTTPStatus.OK, PATTERN[: int(count)])


def response(status: HTTPStatus, body: bytes, headers: dict[str, str] | None = None) -> Response:
    """Return a plain HTTP answer, after which the connection closes."""
    fields = {"Content-Length": str(len(body)), "Connection": "close", **(headers or {})}
    return Response(status, status.phrase, Headers(fields), body)


async def echo(connection: ServerConnection, taken: Callable[[], Awaitable[None]]) -> None:
    """Send each binary message back unchanged, once `taken` returns; on STAMPED_PATH with a stamp before it,
    and beats in between.
    """
    request = connection.request
    stamped = request is not None and request.path == STAMPED_PATH
    beat = asyncio.create_task(_beat(connection)) if stamped else None
    count = 0
    try:
        async for message in connection:
            if isinstance(message, str):
                await connection.close(CloseCode.UNSUPPORTED_DATA, "binary messages are echoed")
                return
            count += 1
            stamp = (
                STAMP.pack(time.monotonic_ns(), count & 0xFFFFFFFF, zlib.crc32(message)) if stamped else b""
            )
            await taken()
            await connection.send(stamp + message)
    finally:
        if beat is not None:
            beat.cancel()


async def _beat(connection: ServerConnection) -> None:
    """Send a bare stamp every BEAT_EVERY_S, so that bytes move to the prober although none come from it."""
    try:
        while True:
            await asyncio.sleep(BEAT_EVERY_S)
            await connection.send(STAMP.pack(time.monotonic_ns(), 0, 0))
    except ConnectionClosed:
        return
