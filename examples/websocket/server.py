"""Sends each subscriber a price ten times a second, and confirms the orders that it sends."""

import asyncio
import itertools
import json
import logging
import random

from websockets.asyncio.server import broadcast, serve
from websockets.exceptions import ConnectionClosed

logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
subscribers = set()
order_numbers = itertools.count(1)


async def subscriber(websocket):
    subscribers.add(websocket)
    try:
        async for message in websocket:
            order = json.loads(message)
            await websocket.send(json.dumps({"order": order["id"], "number": next(order_numbers)}))
    except ConnectionClosed:
        pass
    finally:
        subscribers.remove(websocket)


async def prices():
    price = 100.0
    while True:
        price *= 1 + random.gauss(0, 0.001)
        broadcast(subscribers, json.dumps({"price": round(price, 2)}))
        await asyncio.sleep(0.1)


async def main():
    async with serve(subscriber, "0.0.0.0", 8765):
        await prices()


asyncio.run(main())
