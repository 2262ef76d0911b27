"""The HTTP server of a foreign system's page: its state as a stream, and its actions."""

from __future__ import annotations

import asyncio
from http import HTTPStatus

from aiohttp import web

from driver.dashboard.answers import TOO_MANY, answer_error, body_of, preview_of, refused
from driver.dashboard.auth import RequestAuth
from driver.dashboard.forms import FilledForm, FormError
from driver.dashboard.server import json_answer, page_app
from driver.dashboard.system_dashboard import SystemDashboard
from driver.dashboard.system_form import fill_for_system, offered_targets, system_catalogue

SYSTEM: web.AppKey[SystemDashboard] = web.AppKey("system", SystemDashboard)


def make_system_app(dashboard: SystemDashboard, auth: RequestAuth, read_only: bool) -> web.Application:
    """Return the server. With `read_only` every route that changes something refuses."""
    app = page_app("system.html", dashboard, auth)
    app[SYSTEM] = dashboard
    app.router.add_get("/api/faults", _faults)
    app.router.add_post("/api/preview", _preview)
    app.router.add_post("/api/inject", refused if read_only else _inject)
    app.router.add_post("/api/heal", refused if read_only else _heal)
    return app


async def _faults(request: web.Request) -> web.Response:
    running = request.app[SYSTEM].monitor.running
    targets: dict[str, list[str]] = {"links": [], "containers": []}
    if running is not None:
        targets = await asyncio.to_thread(offered_targets, running)
    return json_answer({"faults": system_catalogue(), "targets": targets})


async def _preview(request: web.Request) -> web.Response:
    filled = await _filled(request)
    return filled if isinstance(filled, web.Response) else json_answer(preview_of(filled))


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
