"""Takes messages by HTTP, and emits them over one connection. The library connects again by itself."""

import asyncio
import contextlib
import logging
import os

import socketio
from starlette.applications import Starlette
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Route

logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")

CONFIRMED = os.environ.get("CONFIRMED") == "1"
WITHIN_S = 1.5
TRIES = 6

sio = socketio.AsyncClient(logger=logging.getLogger("socketio"))


@contextlib.asynccontextmanager
async def running(app):
    await sio.connect(os.environ["SERVER_URL"], transports=["websocket"], retry=True)
    yield
    await sio.disconnect()


async def send(reference):
    """Emit a message. CONFIRMED: wait for the server's acknowledgement, and emit again where none comes."""
    if not CONFIRMED:
        return await sio.emit("message", {"reference": reference})
    for _ in range(TRIES):
        try:
            return await sio.call("message", {"reference": reference}, timeout=WITHIN_S)
        except socketio.exceptions.BadNamespaceError:
            await asyncio.sleep(WITHIN_S)
        except socketio.exceptions.TimeoutError:
            pass
    raise TimeoutError


async def accept(request):
    try:
        await send((await request.json())["reference"])
    except (socketio.exceptions.SocketIOError, TimeoutError) as error:
        return JSONResponse({"error": type(error).__name__}, 503)
    return JSONResponse({}, 202)


async def health(request):
    return PlainTextResponse("ok", 200 if sio.connected else 503)


app = Starlette(
    routes=[Route("/messages", accept, methods=["POST"]), Route("/health", health)], lifespan=running
)
