"""The dashboard's HTTP: the page, the stream of what happens, and the few things that a page may ask for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from http import HTTPStatus
from pathlib import Path
from typing import Any

from aiohttp import web

from driver.dashboard import actions
from driver.dashboard.guard import Guard
from driver.dashboard.past import KEY_FIGURES, Past
from driver.dashboard.watch import Watch
from driver.errors import LabError

PAGE = Path(__file__).parent / "page"
VENDORED = Path(__file__).parents[1] / "report" / "html" / "assets"
FILES_OF_A_RUN = (
    *("report.html", "comparison.html", "report.md", "verdict.json", "metrics.json", "junit.xml"),
    "scenario.yaml",
)
# A report brings its own scripts and rules; whatever it is, it gets no hold on this server.
REPORT_POLICY = "sandbox allow-scripts allow-popups"
BODY_BYTES = 64 << 10

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
WATCH: web.AppKey[Watch] = web.AppKey("watch", Watch)
PAST: web.AppKey[Past] = web.AppKey("past", Past)


def make_app(watch: Watch, past: Past, guard: Guard, read_only: bool) -> web.Application:
    """The whole server. `read_only` leaves out every route that changes something."""
    app = web.Application(middlewares=[guard.let_in, _errors], client_max_size=BODY_BYTES)
    app[WATCH], app[PAST] = watch, past
    app.router.add_get("/", _index)
    app.router.add_get("/page/{name}", _page_file)
    app.router.add_get("/api/snapshot", _snapshot)
    app.router.add_get("/api/stream", _stream)
    app.router.add_get("/api/runs", _runs)
    app.router.add_get("/api/trend", _trend)
    app.router.add_get("/api/compare", _compare)
    app.router.add_get("/runs/{run}/{name}", _run_file)
    actions.add_routes(app, WATCH, read_only)
    app.cleanup_ctx.append(_watching)
    return app


async def _watching(app: web.Application) -> AsyncIterator[None]:
    app[WATCH].start()
    yield
    await app[WATCH].end()


@web.middleware
async def _errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Whatever cannot be done is one sentence."""
    try:
        return await handler(request)
    except LabError as error:
        return web.json_response({"error": error.sentence}, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    except web.HTTPNotFound:
        return web.json_response({"error": "there is nothing here"}, status=HTTPStatus.NOT_FOUND)
    except web.HTTPException as error:
        return web.json_response({"error": error.reason.lower()}, status=error.status)


async def _index(request: web.Request) -> web.StreamResponse:
    return web.FileResponse(PAGE / "index.html")


async def _page_file(request: web.Request) -> web.StreamResponse:
    name = request.match_info["name"]
    for folder in (PAGE, VENDORED):
        if name in {path.name for path in folder.iterdir() if path.suffix in (".js", ".css", ".svg")}:
            return web.FileResponse(folder / name)
    raise web.HTTPNotFound


async def _snapshot(request: web.Request) -> web.Response:
    return _json(request.app[WATCH].state())


async def _stream(request: web.Request) -> web.StreamResponse:
    """Server-sent events until the page is closed; a slow page only makes its own queue overflow."""
    hub = request.app[WATCH].hub
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
    await response.prepare(request)
    viewer = hub.join()
    try:
        with suppress(ConnectionError):
            while True:
                message = await viewer.next()
                await response.write(hub.whole(viewer) if message is None else message)
    finally:
        hub.leave(viewer)
    return response


async def _runs(request: web.Request) -> web.Response:
    query = request.query
    found = await asyncio.to_thread(
        request.app[PAST].runs, query.get("scenario", ""), query.get("verdict", "")
    )
    return _json({"runs": found, "metrics": list(KEY_FIGURES)})


async def _trend(request: web.Request) -> web.Response:
    query = request.query
    return _json(
        await asyncio.to_thread(request.app[PAST].trend, query.get("scenario", ""), query.get("metric", ""))
    )


async def _compare(request: web.Request) -> web.Response:
    query = request.query
    told = await asyncio.to_thread(request.app[PAST].compare, query.get("a", ""), query.get("b", ""))
    return _json({"markdown": told})


async def _run_file(request: web.Request) -> web.StreamResponse:
    name = request.match_info["name"]
    path = request.app[PAST].folder(request.match_info["run"]) / name
    if name not in FILES_OF_A_RUN or not path.is_file():
        raise web.HTTPNotFound
    response = web.FileResponse(path)
    response.headers["Content-Security-Policy"] = REPORT_POLICY
    return response


def _json(value: Any) -> web.Response:
    return web.Response(body=Watch.encode(value), content_type="application/json")
