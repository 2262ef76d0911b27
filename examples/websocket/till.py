"""Takes orders by HTTP, and passes them on over one WebSocket. The library's own loop connects again."""

import asyncio
import contextlib
import json
import logging
import os
import random
import time

from starlette.applications import Starlette
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Route
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
log = logging.getLogger("till")

CONFIRMED_WITHIN_S = 5
SHORT_S, WAIT_S = 2, 5
PINGS = {}
if "PING_S" in os.environ:
    PINGS = dict.fromkeys(("ping_interval", "ping_timeout", "close_timeout"), float(os.environ["PING_S"]))


class Till:
    def __init__(self):
        self.websocket = None
        self.waiting = {}

    async def run(self):
        async for websocket in connect(os.environ["SERVER_URL"], **PINGS):
            log.info("connected")
            began_s = time.monotonic()
            self.websocket = websocket
            try:
                async for message in websocket:
                    answer = json.loads(message)
                    if answer.get("order") in self.waiting:
                        self.waiting[answer["order"]].set_result(answer["number"])
            except ConnectionClosed as error:
                log.warning("connection lost: %s", error)
            if os.environ.get("CALM") == "1" and time.monotonic() - began_s < SHORT_S:
                await asyncio.sleep(random.uniform(1, WAIT_S))

    async def order(self, reference):
        confirmed = asyncio.get_running_loop().create_future()
        self.waiting[reference] = confirmed
        try:
            async with asyncio.timeout(CONFIRMED_WITHIN_S):
                await self.websocket.send(json.dumps({"id": reference}))
                return await confirmed
        finally:
            del self.waiting[reference]


@contextlib.asynccontextmanager
async def running(app):
    app.state.till = Till()
    loop = asyncio.create_task(app.state.till.run())
    yield
    loop.cancel()


async def place(request):
    reference = (await request.json())["reference"]
    try:
        return JSONResponse({"number": await request.app.state.till.order(reference)}, 201)
    except (TimeoutError, ConnectionClosed):
        return JSONResponse({"error": "not confirmed"}, 504)


async def health(request):
    return PlainTextResponse("ok", 200 if request.app.state.till.websocket else 503)


app = Starlette(
    routes=[Route("/orders", place, methods=["POST"]), Route("/health", health)], lifespan=running
)
