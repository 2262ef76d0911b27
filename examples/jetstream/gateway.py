"""Takes readings by HTTP, and publishes each."""

import asyncio
import contextlib
import json
import logging
import os

import nats
from nats.errors import Error
from settings import CONNECT_OPTIONS
from starlette.applications import Starlette
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Route

logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
log = logging.getLogger("gateway")

TRIES = 4
CONFIRMED = os.environ.get("CONFIRMED", "1") == "1"
MESSAGE_IDS = os.environ.get("MESSAGE_IDS") == "1"
SUBJECT = "readings.meter"


@contextlib.asynccontextmanager
async def connected(app):
    nc = await nats.connect(os.environ["NATS_URL"], **CONNECT_OPTIONS)
    app.state.nc, app.state.js = nc, nc.jetstream()
    await app.state.js.add_stream(name="READINGS", subjects=["readings.>"], max_age=3600)
    yield
    await nc.close()


async def take(request):
    reading = await request.json()
    data = json.dumps(reading).encode()
    if not CONFIRMED:
        await request.app.state.nc.publish(SUBJECT, data)
        return JSONResponse({}, 202)
    headers = {"Nats-Msg-Id": reading["reference"]} if MESSAGE_IDS else None
    for attempt in range(1, TRIES + 1):
        try:
            stored = await request.app.state.js.publish(SUBJECT, data, timeout=2, headers=headers)
            return JSONResponse({"number": stored.seq}, 202)
        except Error as error:
            log.warning("reading %s, try %d: %r", reading["reference"], attempt, error)
            await asyncio.sleep(0.5)
    return JSONResponse({"error": "not stored"}, 503)


async def health(_request):
    return PlainTextResponse("ok")


app = Starlette(
    routes=[Route("/readings", take, methods=["POST"]), Route("/health", health)], lifespan=connected
)
