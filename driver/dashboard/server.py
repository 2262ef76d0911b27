"""The dashboard's HTTP server: the page, the stream of states and deltas, stored runs, and the actions."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from http import HTTPStatus
from pathlib import Path
from typing import Any

import msgspec
from aiohttp import web

from driver.dashboard import actions
from driver.dashboard.auth import RequestAuth
from driver.dashboard.dashboard import Dashboard
from driver.dashboard.page_loop import PageLoop
from driver.dashboard.run_history import KEY_FIGURES, RunHistory
from driver.errors import LabError

PAGE = Path(__file__).parent / "page"
REPORT_ASSETS = Path(__file__).parents[1] / "report" / "assets"
FILES_OF_A_RUN = (
    *("report.html", "comparison.html", "report.md", "verdict.json", "metrics.json", "junit.xml"),
    "scenario.yaml",
)
# A report has scripts and a policy of its own; the sandbox keeps it from this server.
REPORT_POLICY = "sandbox allow-scripts allow-popups"
BODY_BYTES = 64 << 10

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
LOOP: web.AppKey[PageLoop] = web.AppKey("loop", PageLoop)
INDEX: web.AppKey[str] = web.AppKey("index", str)
DASHBOARD: web.AppKey[Dashboard] = web.AppKey("dashboard", Dashboard)
HISTORY: web.AppKey[RunHistory] = web.AppKey("history", RunHistory)


def make_app(
    dashboard: Dashboard, history: RunHistory, auth: RequestAuth, read_only: bool
) -> web.Application:
    """Return the server. With `read_only` every route that changes something refuses."""
    app = page_app("index.html", dashboard, auth)
    app[DASHBOARD], app[HISTORY] = dashboard, history
    app.router.add_get("/api/runs", _runs)
    app.router.add_get("/api/trend", _trend)
    app.router.add_get("/api/compare", _compare)
    app.router.add_get("/runs/{run}/{name}", _run_file)
    actions.add_routes(app, DASHBOARD, read_only)
    return app


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


async def _runs(request: web.Request) -> web.Response:
    query = request.query
    found = await asyncio.to_thread(
        request.app[HISTORY].runs, query.get("scenario", ""), query.get("verdict", "")
    )
    return json_answer({"runs": found, "metrics": list(KEY_FIGURES)})


async def _trend(request: web.Request) -> web.Response:
    query = request.query
    return json_answer(
        await asyncio.to_thread(
            request.app[HISTORY].trend, query.get("scenario", ""), query.get("metric", "")
        )
    )


async def _compare(request: web.Request) -> web.Response:
    query = request.query
    markdown = await asyncio.to_thread(request.app[HISTORY].compare, query.get("a", ""), query.get("b", ""))
    return json_answer({"markdown": markdown})


async def _run_file(request: web.Request) -> web.StreamResponse:
    name = request.match_info["name"]
    path = request.app[HISTORY].folder(request.match_info["run"]) / name
    if name not in FILES_OF_A_RUN or not path.is_file():
        raise web.HTTPNotFound
    response = web.FileResponse(path)
    response.headers["Content-Security-Policy"] = REPORT_POLICY
    return response


def json_answer(value: Any) -> web.Response:
    """Return a value as JSON."""
    return web.Response(body=msgspec.json.encode(value), content_type="application/json")
