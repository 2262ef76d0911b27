"""`serve` ends what a client asks it to, with the code that it names; `talk` asks, or ends by itself.

Each code is used once: 1000 and 4001 by the client, 1001 and 4002 by the server.
"""

import asyncio
import sys

from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

BY_CLIENT = (1000, 4001)
BY_SERVER = (1001, 4002)
PINGS = 3


async def answer(websocket: ServerConnection) -> None:
    async for message in websocket:
        await websocket.send("yes")
        if int(message) in BY_SERVER:
            await websocket.close(int(message), "as asked")


async def talk(url: str) -> None:
    codes = iter((*BY_CLIENT, *BY_SERVER))
    async for websocket in connect(url, ping_interval=None):
        code = next(codes, 0)
        if not code:
            await websocket.wait_closed()
        try:
            for _ in range(PINGS):
                await (await websocket.ping())
            await websocket.send(str(code))
            await websocket.recv()
            if code in BY_CLIENT:
                await websocket.close(code, "enough")
            await websocket.wait_closed()
        except ConnectionClosed:
            continue


async def main(role: str, url: str = "") -> None:
    if role == "talk":
        await talk(url)
    async with serve(answer, "0.0.0.0", 8765, ping_interval=None):
        await asyncio.Future()


asyncio.run(main(*sys.argv[1:]))
