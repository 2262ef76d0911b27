"""Follows the price, and orders once a second. The library's own loop connects again."""

import asyncio
import json
import logging
import os
import random
import time
import uuid

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
log = logging.getLogger("client")

SHORT_S, WAIT_S = 2, 5


async def calm_down(began_s):
    """CALM: wait before the library connects again, as it does at once after a connection that was made."""
    if os.environ.get("CALM") == "1" and time.monotonic() - began_s < SHORT_S:
        await asyncio.sleep(random.uniform(1, WAIT_S))


async def order(websocket):
    while True:
        await websocket.send(json.dumps({"id": str(uuid.uuid4())}))
        await asyncio.sleep(1)


async def main():
    async for websocket in connect(os.environ["SERVER_URL"]):
        log.info("connected")
        began_s = time.monotonic()
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
        await calm_down(began_s)


asyncio.run(main())
