"""A TCP relay that counts what passes: the bytes on the wire, counted without knowing the protocol."""

from __future__ import annotations

import asyncio
from types import TracebackType


class Relay:
    """Passes connections on to `port`. `up_bytes` went to it, `down_bytes` came from it."""

    def __init__(self, port: int) -> None:
        self.up_bytes = 0
        self.down_bytes = 0
        self.port = 0
        self._to = port
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Relay:
        self._server = await asyncio.start_server(self._pass_on, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._to)
        up = asyncio.create_task(self._pump(reader, far_writer, up=True))
        await self._pump(far_reader, writer, up=False)
        await up

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, up: bool) -> None:
        try:
            while data := await reader.read(65_536):
                self.up_bytes += len(data) if up else 0
                self.down_bytes += 0 if up else len(data)
                writer.write(data)
                await writer.drain()
            writer.write_eof()
        except OSError:
            writer.close()
