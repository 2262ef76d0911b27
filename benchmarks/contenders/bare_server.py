"""A plain `websockets` server that sends every message back, on uvloop, as a process of its own.

Compression, keepalive pings and the Server header are off, as at the coordinator (which has heartbeats of its
own): each of them would only make the baseline dearer. All else is the library's default, the bounds on a
message (1 MiB) and on a connection's queue (16 frames) among it, which are the coordinator's too.
"""

from __future__ import annotations

import asyncio

import uvloop
from websockets.asyncio.server import ServerConnection, serve

BACKLOG = 2048


async def echo(connection: ServerConnection) -> None:
    """Send back what comes."""
    async for message in connection:
        await connection.send(message)


async def main() -> None:
    """Print the port, and serve until killed."""
    async with serve(
        echo, "127.0.0.1", 0, compression=None, ping_interval=None, server_header=None, backlog=BACKLOG
    ) as server:
        print(server.sockets[0].getsockname()[1], flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(main())
