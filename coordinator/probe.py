"""Probes of the coordinator's end of a link: bytes of a known pattern, and an echo. Neither needs a session
or a key.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from http import HTTPStatus

from websockets.asyncio.server import ServerConnection
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.frames import CloseCode
from websockets.http11 import Response

from wire.probe import BEAT_EVERY_S, BYTES_MAX, STAMPED_PATH, beat, pattern, stamp


def pattern_response(path: str) -> Response:
    """Return the answer to GET /probe/<n>: the pattern's first n bytes."""
    body = pattern(path)
    if body is None:
        return response(HTTPStatus.BAD_REQUEST, f"expected /probe/0 to /probe/{BYTES_MAX}\n".encode())
    return response(HTTPStatus.OK, body)


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
    beats = asyncio.create_task(_beat(connection)) if stamped else None
    count = 0
    try:
        async for message in connection:
            if isinstance(message, str):
                await connection.close(CloseCode.UNSUPPORTED_DATA, "binary messages are echoed")
                return
            count += 1
            prefix = stamp(time.monotonic_ns(), count, message) if stamped else b""
            await taken()
            await connection.send(prefix + message)
    finally:
        if beats is not None:
            beats.cancel()


async def _beat(connection: ServerConnection) -> None:
    """Send a beat every BEAT_EVERY_S."""
    try:
        while True:
            await asyncio.sleep(BEAT_EVERY_S)
            await connection.send(beat(time.monotonic_ns()))
    except ConnectionClosed:
        return
