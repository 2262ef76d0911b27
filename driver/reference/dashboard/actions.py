"""Actions of the page: inject a fault, heal, run a scenario. Each starts a command, which the page shows."""

from __future__ import annotations

import asyncio
import secrets
from http import HTTPStatus
from pathlib import Path
from typing import Any

from aiohttp import web

from driver.dashboard.answers import TOO_MANY, answer_error, body_of, preview_of, refused
from driver.dashboard.forms import FilledForm, FormError, catalogue
from driver.errors import UsageError
from driver.labs.project_name import project_option
from driver.reference.dashboard.dashboard import Dashboard
from driver.reference.dashboard.forms import SELECTIONS, fill
from driver.results.group_file import last_verdicts
from driver.scenarios.flag_values import MAX_SEED
from driver.scenarios.scenario_file import load_scenario, scenario_paths


def add_routes(app: web.Application, key: web.AppKey[Dashboard], read_only: bool) -> None:
    """Add the routes; with `read_only` those that change something refuse with 403."""
    page = Actions(key)
    app.router.add_get("/api/faults", page.faults)
    app.router.add_get("/api/scenarios", page.scenarios)
    app.router.add_post("/api/preview", page.preview)
    for path, handler in (
        ("/api/inject", page.inject),
        ("/api/heal", page.heal),
        ("/api/scenarios/start", page.start),
        ("/api/scenarios/stop", page.stop),
    ):
        app.router.add_post(path, refused if read_only else handler)


class Actions:
    """The handlers of the routes."""

    def __init__(self, key: web.AppKey[Dashboard]) -> None:
        self._key = key

    async def faults(self, _: web.Request) -> web.Response:
        return web.json_response({"faults": catalogue(), "groups": list(SELECTIONS)})

    async def preview(self, request: web.Request) -> web.Response:
        filled = await self._filled(request)
        if isinstance(filled, web.Response):
            return filled
        return web.json_response(preview_of(filled))

    async def inject(self, request: web.Request) -> web.Response:
        filled = await self._filled(request)
        if isinstance(filled, web.Response):
            return filled
        return self._start(request, filled.words)

    async def heal(self, request: web.Request) -> web.Response:
        """Stop the job of one fault, which heals it; without a job stop all, and start `lab.py heal`."""
        dashboard = request.app[self._key]
        number = (await body_of(request)).get("job")
        if number is None:
            for job in dashboard.jobs.status():
                if job["running"] and " inject " in job["command"]:
                    dashboard.jobs.stop(job["id"])
            return self._start(request, ["heal", *self._project(dashboard)])
        if not dashboard.jobs.stop(number):
            return answer_error("that fault is over", HTTPStatus.CONFLICT)
        return web.json_response({"job": number}, status=HTTPStatus.ACCEPTED)

    async def scenarios(self, request: web.Request) -> web.Response:
        found = await asyncio.to_thread(_scenarios, request.app[self._key].results)
        return web.json_response({"scenarios": found})

    async def start(self, request: web.Request) -> web.Response:
        dashboard, wanted = request.app[self._key], await body_of(request)
        if dashboard.scenario.is_running:
            return answer_error("a scenario runs already", HTTPStatus.CONFLICT)
        workers, seed = wanted.get("workers"), wanted.get("seed")
        job = dashboard.scenario.start(
            str(wanted.get("name") or ""),
            bool(wanted.get("quick")),
            workers if type(workers) is int else None,
            seed % (MAX_SEED + 1) if type(seed) is int else secrets.randbelow(MAX_SEED),
            dashboard.monitor.project,
        )
        if job is None:
            return answer_error(TOO_MANY, HTTPStatus.CONFLICT)
        return web.json_response({"command": job.command}, status=HTTPStatus.ACCEPTED)

    async def stop(self, request: web.Request) -> web.Response:
        request.app[self._key].scenario.stop()
        return web.json_response({}, status=HTTPStatus.ACCEPTED)

    async def _filled(self, request: web.Request) -> FilledForm | web.Response:
        dashboard = request.app[self._key]
        form = await body_of(request)
        if not dashboard.monitor.workers:
            return answer_error(dashboard.monitor.status()["hint"], HTTPStatus.CONFLICT)
        try:
            return fill(form, dashboard.monitor.workers, dashboard.monitor.project)
        except FormError as error:
            wrong = {"error": str(error), "field": error.field}
            return web.json_response(wrong, status=HTTPStatus.UNPROCESSABLE_ENTITY)

    def _start(self, request: web.Request, words: list[str]) -> web.Response:
        job = request.app[self._key].jobs.start(words)
        if job is None:
            return answer_error(TOO_MANY, HTTPStatus.CONFLICT)
        started = {"job": job.number, "command": job.command}
        return web.json_response(started, status=HTTPStatus.ACCEPTED)

    @staticmethod
    def _project(dashboard: Dashboard) -> list[str]:
        return project_option(dashboard.monitor.project).split()


def _scenarios(results: Path) -> list[dict[str, Any]]:
    last = last_verdicts(results)
    found = []
    for name, path in scenario_paths().items():
        try:
            loaded = load_scenario(path)
        except UsageError:
            # `lab.py scenarios` reports what is wrong with it.
            continue
        found.append({
            "name": name,
            "claim": loaded.claim,
            "workers": loaded.scenario.clients,
            "duration_s": loaded.scenario.duration_s,
            "last_verdict": last[name].verdict if name in last else None,
        })  # fmt: skip
    return found
