"""`python -m benchmarks.storm.websockets_server PORT`: a bare echo server under uvloop."""

from __future__ import annotations

import asyncio
import sys

import uvloop
from websockets.asyncio.server import ServerConnection, serve

BACKLOG = 2048


async def echo(connection: ServerConnection) -> None:
    """Send back what comes in."""
    async for message in connection:
        await connection.send(message)


async def main(port: int) -> None:
    """Serve for ever."""
    async with serve(echo, "127.0.0.1", port, backlog=BACKLOG):
        await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1])))
