"""Sends each subscriber a price ten times a second, and confirms the orders that it sends."""

import asyncio
import json
import logging
import os
import random

import psycopg
from websockets.asyncio.server import broadcast, serve
from websockets.exceptions import ConnectionClosed

logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
subscribers = set()


async def subscriber(websocket, db):
    subscribers.add(websocket)
    try:
        async for message in websocket:
            order = json.loads(message)
            row = await db.execute("INSERT INTO orders (reference) VALUES (%s) RETURNING id", (order["id"],))
            (number,) = await row.fetchone()
            await websocket.send(json.dumps({"order": order["id"], "number": number}))
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
    db = await psycopg.AsyncConnection.connect(os.environ["DATABASE_URL"], autocommit=True)
    async with serve(lambda websocket: subscriber(websocket, db), "0.0.0.0", 8765):
        await prices()


asyncio.run(main())
