"""Fleets of the peers' clients, with the reconnection that their users get when they set nothing."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from benchmarks.storm.tally import Tally

HELLO = "hello"


async def websockets(count: int, port: int, tally: Tally, starts_per_s: float) -> None:
    """`async for … in connect()`; a session is back when its first message was answered."""

    async def client(number: int) -> None:
        async for connection in connect(f"ws://127.0.0.1:{port}", proxy=None):
            try:
                await connection.send(HELLO)
                await connection.recv()
                tally.back(number)
                await connection.recv()
            except ConnectionClosed:
                tally.lost(number)

    await _paced(count, starts_per_s, client)


async def nats(count: int, port: int, tally: Tally, starts_per_s: float) -> None:
    """`nats.connect()`; a client is back when the library says so, after its PING was answered."""
    import nats as library

    async def client(number: int) -> None:
        async def back() -> None:
            tally.back(number)

        async def lost() -> None:
            tally.lost(number)

        async def quiet(_: Exception) -> None:
            """Otherwise each refused attempt is a traceback on standard error."""

        await library.connect(
            f"nats://127.0.0.1:{port}", reconnected_cb=back, disconnected_cb=lost, error_cb=quiet
        )
        tally.back(number)
        await asyncio.Event().wait()

    await _paced(count, starts_per_s, client)


async def _paced(
    count: int, starts_per_s: float, client: Callable[[int], Coroutine[object, object, None]]
) -> None:
    began = time.monotonic()
    async with asyncio.TaskGroup() as running:
        for number in range(count):
            await asyncio.sleep(max(0.0, began + number / starts_per_s - time.monotonic()))
            running.create_task(client(number))
