"""Follows the price, and orders once a second. The library's own loop connects again."""

import asyncio
import json
import logging
import os
import uuid

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
log = logging.getLogger("client")


async def order(websocket):
    while True:
        await websocket.send(json.dumps({"id": str(uuid.uuid4())}))
        await asyncio.sleep(1)


async def main():
    async for websocket in connect(os.environ["SERVER_URL"]):
        log.info("connected")
        orders = asyncio.create_task(order(websocket))
        try:
            async for message in websocket:
                answer = json.loads(message)
                if "number" in answer:
                    log.info("order %s is number %d", answer["order"], answer["number"])
        except ConnectionClosed as error:
            log.warning("connection lost: %s", error)
        finally:
            orders.cancel()


asyncio.run(main())
