"""What the prober asks of the coordinator's end of a link: bytes of a known pattern, and an echo. No session,
no key, no worker.
"""

from __future__ import annotations

from http import HTTPStatus

from websockets.asyncio.server import ServerConnection
from websockets.datastructures import Headers
from websockets.http11 import Response

BYTES_PATH = "/probe/"
ECHO_PATH = "/v1/probe"
BYTES_MAX = 64 * 1024
ECHO_CONNECTIONS_MAX = 64
PATTERN = bytes(i % 251 for i in range(BYTES_MAX))


def pattern_response(path: str) -> Response:
    """The answer to GET /probe/<n>: the pattern's first n bytes."""
    count = path.removeprefix(BYTES_PATH)
    if not (count.isascii() and count.isdigit() and len(count) <= 5 and int(count) <= BYTES_MAX):
        return response(HTTPStatus.BAD_REQUEST, f"expected /probe/0 to /probe/{BYTES_MAX}\n".encode())
    return response(HTTPStatus.OK, PATTERN[: int(count)])


def response(status: HTTPStatus, body: bytes, headers: dict[str, str] | None = None) -> Response:
    """A plain HTTP answer, after which the connection closes."""
    fields = {"Content-Length": str(len(body)), "Connection": "close", **(headers or {})}
    return Response(status, status.phrase, Headers(fields), body)


async def echo(connection: ServerConnection) -> None:
    """Send each binary message back as it came."""
    async for message in connection:
        if isinstance(message, str) or len(message) > BYTES_MAX:
            await connection.close(1003, "binary messages of at most 64 KiB are echoed")
            return
        await connection.send(message)
