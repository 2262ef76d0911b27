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


class Database:
    """One connection; CALM: another one where it is broken."""

    def __init__(self):
        self.open = None

    async def connection(self):
        if self.open is None or (self.open.closed and os.environ.get("CALM") == "1"):
            self.open = await psycopg.AsyncConnection.connect(os.environ["DATABASE_URL"], autocommit=True)
        return self.open


async def subscriber(websocket, database):
    subscribers.add(websocket)
    try:
        async for message in websocket:
            order = json.loads(message)
            db = await database.connection()
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
    database = Database()
    await database.connection()
    async with serve(lambda websocket: subscriber(websocket, database), "0.0.0.0", 8765):
        await prices()


asyncio.run(main())
