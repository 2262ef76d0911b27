"""Far end of the prober's own connections, where no other process serves one: the same protocol as the
server's.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from http import HTTPStatus
from typing import Final

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from wire.events import Journal
from wire.probe import BEAT_EVERY_S, BYTES_MAX, BYTES_PATH, STAMPED_PATH, beat, pattern, stamp
from wire.probe_stream import STREAM_HEADER, end_kind, stream_named

MOST_ECHOES: Final = 1_024
"""Connections at once. One that a fault left half open makes room for a new one, the quietest first."""


class FarEnd:
    """Answers GET /probe/<n>, and echoes messages with stamps, with beats in between. The end of each echo is
    recorded in the journal.
    """

    def __init__(self, journal: Journal, most: int = MOST_ECHOES) -> None:
        self._journal = journal
        self._most = most
        self._last_message_s: dict[ServerConnection, float] = {}
        self._aborted: set[ServerConnection] = set()

    async def listen(self, host: str, port: int) -> Server:
        """Serve at an address until the returned server is closed. Raises OSError."""
        # Without pings, compression and buffers of its own, bytes on a link are the prober's alone.
        return await serve(
            self._echo, host, port, process_request=self._answer, compression=None, ping_interval=None,
            max_size=BYTES_MAX, server_header=None,
        )  # fmt: skip

    def _answer(self, connection: ServerConnection, request: Request) -> Response | None:
        if request.path == STAMPED_PATH:
            return None
        body = pattern(request.path) if request.path.startswith(BYTES_PATH) else None
        status = HTTPStatus.NOT_FOUND if body is None else HTTPStatus.OK
        fields = {"Content-Length": str(len(body or b"")), "Connection": "close"}
        return Response(status, status.phrase, Headers(fields), body or b"")

    async def _echo(self, connection: ServerConnection) -> None:
        self._make_room()
        self._last_message_s[connection] = time.monotonic()
        beats = asyncio.create_task(_beat(connection))
        request = connection.request
        stream = stream_named(request.headers.get_all(STREAM_HEADER) if request is not None else ())
        how = "closed"
        try:
            async for message in connection:
                now_ns = time.monotonic_ns()
                data = message.encode() if isinstance(message, str) else message
                stream.on_message(now_ns)
                self._last_message_s[connection] = now_ns / 1e9
                await connection.send(stamp(now_ns, stream.messages, data) + data)
        except ConnectionClosed as closed:
            was_closed = closed.rcvd is not None or connection in self._aborted
            how = end_kind(was_closed=was_closed, cause=closed.__cause__)
        finally:
            beats.cancel()
            self._aborted.discard(connection)
            del self._last_message_s[connection]
        stream.write_end(self._journal, how)

    def _make_room(self) -> None:
        open_ones = [one for one in self._last_message_s if not one.transport.is_closing()]
        if len(open_ones) >= self._most:
            quietest = min(open_ones, key=self._last_message_s.__getitem__)
            self._aborted.add(quietest)
            quietest.transport.abort()


async def _beat(connection: ServerConnection) -> None:
    with suppress(ConnectionClosed):
        while True:
            await asyncio.sleep(BEAT_EVERY_S)
            await connection.send(beat(time.monotonic_ns()))
