"""A connection over a link, from the answer of the door that takes it to its end by FIN or RST."""

from __future__ import annotations

import asyncio
from typing import cast

from chaos.prober.settings import ProbedLink
from wire.probe import JOINED


class RawConnection(asyncio.Protocol):
    """A raw connection. `how` is "" while it is open, then `fin` or `rst`. With a `preamble`, bytes of the
    link begin after the answer to it.
    """

    def __init__(self) -> None:
        self.how = ""
        self.ended = asyncio.Event()
        self.in_bytes = 0
        self.transport: asyncio.Transport | None = None
        self.preamble = ""
        self.is_joined = False
        self.decided = asyncio.Event()
        """Set when the link takes the connection, and at the end."""
        self._answer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Not every loop's transports derive from asyncio's own class.
        self.transport = cast(asyncio.Transport, transport)
        if self.preamble:
            self.transport.write(f"{self.preamble}\n".encode())
        else:
            self._join()

    def data_received(self, data: bytes) -> None:
        if not self.is_joined:
            data = self._after_answer(data)
        if data:
            self.in_bytes += len(data)
            self.on_data(data)

    def _after_answer(self, data: bytes) -> bytes:
        """Return the bytes of the link among those that arrived before it took the connection."""
        self._answer += data
        if self._answer.startswith(JOINED):
            self._join()
            return self._answer[len(JOINED) :]
        if not JOINED.startswith(self._answer):
            self._end("protocol")
            self.abort()
        return b""

    def _join(self) -> None:
        self.is_joined = True
        self.decided.set()
        self.on_join()

    def eof_received(self) -> bool:
        self._end("fin")
        return False

    def connection_lost(self, error: Exception | None) -> None:
        # After a FIN the kernel reports a reset as a broken pipe: the FIN came first.
        self._end("fin" if error is None or isinstance(error, BrokenPipeError) else "rst")

    def on_join(self) -> None:
        """Begin: the link takes the connection."""

    def on_data(self, data: bytes) -> None:
        """Handle bytes in their order."""

    def _end(self, how: str) -> None:
        if not self.how:
            self.how = how
            self.ended.set()
            self.decided.set()
            self.on_end()

    def on_end(self) -> None:
        """Handle the end of the connection; `how` is set."""

    def send(self, data: bytes) -> None:
        """Send bytes; no effect after the connection's end."""
        if self.transport is not None and not self.transport.is_closing():
            self.transport.write(data)

    def abort(self) -> None:
        """Abort the connection."""
        if self.transport is not None:
            self.transport.abort()


async def connect(connection: RawConnection, at: ProbedLink) -> None:
    """Connect, and wait until the link takes the connection or it ends.

    Raises OSError: ConnectionRefusedError also where a RST comes before the link takes it.
    """
    connection.preamble = at.preamble
    await asyncio.get_running_loop().create_connection(lambda: connection, at.host, at.port)
    await connection.decided.wait()
    if connection.how == "rst" and not connection.is_joined:
        raise ConnectionRefusedError
