"""The dashboard's HTTP server: the page, the stream of states and deltas, stored runs, and the actions."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from http import HTTPStatus
from pathlib import Path
from typing import Any

import msgspec
from aiohttp import web

from driver.dashboard.auth import RequestAuth
from driver.dashboard.page_loop import PageLoop
from driver.errors import LabError

PAGE = Path(__file__).parent / "page"
REPORT_ASSETS = Path(__file__).parents[1] / "report" / "assets"
BODY_BYTES = 64 << 10

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
LOOP: web.AppKey[PageLoop] = web.AppKey("loop", PageLoop)
INDEX: web.AppKey[str] = web.AppKey("index", str)


def page_app(index: str, loop: PageLoop, auth: RequestAuth) -> web.Application:
    """Return a server with what every live page has: the page itself, its files, its state as a stream.

    `index` is the page's file. The loop runs while the server does.
    """
    app = web.Application(middlewares=[auth.middleware, errors_as_json], client_max_size=BODY_BYTES)
    app[LOOP], app[INDEX] = loop, index
    app.router.add_get("/", _index)
    app.router.add_get("/page/{name}", _page_file)
    app.router.add_get("/api/snapshot", _snapshot)
    app.router.add_get("/api/stream", _stream)
    app.cleanup_ctx.append(_running)
    return app


async def _running(app: web.Application) -> AsyncIterator[None]:
    app[LOOP].start()
    yield
    await app[LOOP].end()


@web.middleware
async def errors_as_json(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer each error with one sentence, as JSON."""
    try:
        return await handler(request)
    except LabError as error:
        return web.json_response({"error": error.sentence}, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    except web.HTTPNotFound:
        return web.json_response({"error": "there is nothing here"}, status=HTTPStatus.NOT_FOUND)
    except web.HTTPException as error:
        return web.json_response({"error": error.reason.lower()}, status=error.status)


async def _index(request: web.Request) -> web.StreamResponse:
    return web.FileResponse(PAGE / request.app[INDEX])


async def _page_file(request: web.Request) -> web.StreamResponse:
    """Answer with a script or a style of the pages."""
    name = request.match_info["name"]
    for folder in (PAGE, REPORT_ASSETS):
        if name in {path.name for path in folder.iterdir() if path.suffix in (".js", ".css", ".svg")}:
            return web.FileResponse(folder / name)
    raise web.HTTPNotFound


async def _snapshot(request: web.Request) -> web.Response:
    return json_answer(request.app[LOOP].state())


async def _stream(request: web.Request) -> web.StreamResponse:
    """Send events until the page is closed; a slow page overflows its own queue alone."""
    hub = request.app[LOOP].hub
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
    await response.prepare(request)
    subscriber = hub.subscribe()
    try:
        with suppress(ConnectionError):
            while True:
                message = await subscriber.next()
                await response.write(hub.whole_state(subscriber) if message is None else message)
    finally:
        hub.unsubscribe(subscriber)
    return response


def json_answer(value: Any) -> web.Response:
    """Return a value as JSON."""
    return web.Response(body=msgspec.json.encode(value), content_type="application/json")
