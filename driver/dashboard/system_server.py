"""The HTTP server of a foreign system's page: its state as a stream, and its actions."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from http import HTTPStatus
from typing import Any

import msgspec
from aiohttp import web

from driver.dashboard.actions import TOO_MANY, answer_error, body_of, preview_of, refused
from driver.dashboard.auth import RequestAuth
from driver.dashboard.forms import FilledForm, FormError
from driver.dashboard.server import BODY_BYTES, PAGE, errors_as_json, page_file, stream_of
from driver.dashboard.system_dashboard import SystemDashboard
from driver.dashboard.system_form import fill_for_system, offered_targets, system_catalogue

SYSTEM: web.AppKey[SystemDashboard] = web.AppKey("system", SystemDashboard)


def make_system_app(dashboard: SystemDashboard, auth: RequestAuth, read_only: bool) -> web.Application:
    """Return the server. With `read_only` every route that changes something refuses."""
    app = web.Application(middlewares=[auth.middleware, errors_as_json], client_max_size=BODY_BYTES)
    app[SYSTEM] = dashboard
    app.router.add_get("/", _index)
    app.router.add_get("/page/{name}", page_file)
    app.router.add_get("/api/snapshot", _snapshot)
    app.router.add_get("/api/stream", _stream)
    app.router.add_get("/api/faults", _faults)
    app.router.add_post("/api/preview", _preview)
    app.router.add_post("/api/inject", refused if read_only else _inject)
    app.router.add_post("/api/heal", refused if read_only else _heal)
    app.cleanup_ctx.append(_running)
    return app


async def _running(app: web.Application) -> AsyncIterator[None]:
    app[SYSTEM].start()
    yield
    await app[SYSTEM].end()


async def _index(_: web.Request) -> web.StreamResponse:
    return web.FileResponse(PAGE / "system.html")


async def _snapshot(request: web.Request) -> web.Response:
    return _json(request.app[SYSTEM].state())


async def _stream(request: web.Request) -> web.StreamResponse:
    return await stream_of(request, request.app[SYSTEM].hub)


async def _faults(request: web.Request) -> web.Response:
    running = request.app[SYSTEM].monitor.running
    targets: dict[str, list[str]] = {"links": [], "containers": []}
    if running is not None:
        targets = await asyncio.to_thread(offered_targets, running)
    return _json({"faults": system_catalogue(), "targets": targets})


async def _preview(request: web.Request) -> web.Response:
    filled = await _filled(request)
    return filled if isinstance(filled, web.Response) else _json(preview_of(filled))


async def _inject(request: web.Request) -> web.Response:
    filled = await _filled(request)
    return filled if isinstance(filled, web.Response) else _start(request, filled.words)


async def _heal(request: web.Request) -> web.Response:
    """Stop the job of one fault, which heals it; without a job stop all, and start `lab.py heal`."""
    dashboard = request.app[SYSTEM]
    number = (await body_of(request)).get("job")
    if number is not None:
        if not dashboard.jobs.stop(number):
            return answer_error("that fault is over", HTTPStatus.CONFLICT)
        return web.json_response({"job": number}, status=HTTPStatus.ACCEPTED)
    for job in dashboard.jobs.status():
        if job["running"] and " inject " in job["command"]:
            dashboard.jobs.stop(job["id"])
    return _start(request, ["heal", "--system", dashboard.named])


async def _filled(request: web.Request) -> FilledForm | web.Response:
    dashboard, form = request.app[SYSTEM], await body_of(request)
    running = dashboard.monitor.running
    if running is None:
        return answer_error(dashboard.monitor.hint or "the system is not up", HTTPStatus.CONFLICT)
    try:
        return await asyncio.to_thread(fill_for_system, form, running)
    except FormError as error:
        wrong = {"error": str(error), "field": error.field}
        return web.json_response(wrong, status=HTTPStatus.UNPROCESSABLE_ENTITY)


def _start(request: web.Request, words: list[str]) -> web.Response:
    job = request.app[SYSTEM].jobs.start(words)
    if job is None:
        return answer_error(TOO_MANY, HTTPStatus.CONFLICT)
    return web.json_response({"job": job.number, "command": job.command}, status=HTTPStatus.ACCEPTED)


def _json(value: Any) -> web.Response:
    return web.Response(body=msgspec.json.encode(value), content_type="application/json")
