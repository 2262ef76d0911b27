"""What the page may set going: faults, healing, scenarios. Each is a command that the page also shows."""

from __future__ import annotations

import asyncio
import secrets
from http import HTTPStatus
from pathlib import Path
from typing import Any

from aiohttp import web

from driver.dashboard.forms import SELECTIONS, Filled, FormError, catalogue, fill
from driver.dashboard.watch import Watch
from driver.errors import UsageError
from driver.labs.project_name import project_option
from driver.results.run_folder import read_verdict
from driver.scenarios.flag_values import MAX_SEED
from driver.scenarios.scenario_file import load_scenario, scenario_paths

TOO_MANY = "as many commands run as may; wait for one, or heal"


def add_routes(app: web.Application, key: web.AppKey[Watch], read_only: bool) -> None:
    """The routes that change something are there only where that is allowed."""
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
        app.router.add_post(path, _refused if read_only else handler)


async def _refused(_: web.Request) -> web.Response:
    return _told("this dashboard was started with --read-only", HTTPStatus.FORBIDDEN)


class Actions:
    """The handlers."""

    def __init__(self, key: web.AppKey[Watch]) -> None:
        self._key = key

    async def faults(self, _: web.Request) -> web.Response:
        return web.json_response({"faults": catalogue(), "groups": list(SELECTIONS)})

    async def preview(self, request: web.Request) -> web.Response:
        filled = await self._filled(request)
        if isinstance(filled, web.Response):
            return filled
        return web.json_response(_preview(filled))

    async def inject(self, request: web.Request) -> web.Response:
        filled = await self._filled(request)
        if isinstance(filled, web.Response):
            return filled
        return self._start(request, filled.words)

    async def heal(self, request: web.Request) -> web.Response:
        """One fault by hand: its process ends it. Everything: the command that verifies it, too."""
        watch = request.app[self._key]
        number = (await _body(request)).get("job")
        if number is None:
            for told in watch.jobs.told():
                if told["running"] and " inject " in told["command"]:
                    watch.jobs.stop(told["id"])
            return self._start(request, ["heal", *self._project(watch)])
        if not watch.jobs.stop(number):
            return _told("that fault is over", HTTPStatus.CONFLICT)
        return web.json_response({"job": number}, status=HTTPStatus.ACCEPTED)

    async def scenarios(self, request: web.Request) -> web.Response:
        found = await asyncio.to_thread(_scenarios, request.app[self._key].results)
        return web.json_response({"scenarios": found})

    async def start(self, request: web.Request) -> web.Response:
        watch, wanted = request.app[self._key], await _body(request)
        if watch.scenario.is_running:
            return _told("a scenario runs already", HTTPStatus.CONFLICT)
        workers, seed = wanted.get("workers"), wanted.get("seed")
        job = watch.scenario.start(
            str(wanted.get("name") or ""),
            bool(wanted.get("quick")),
            workers if type(workers) is int else None,
            seed % (MAX_SEED + 1) if type(seed) is int else secrets.randbelow(MAX_SEED),
            watch.standing.project,
        )
        if job is None:
            return _told(TOO_MANY, HTTPStatus.CONFLICT)
        return web.json_response({"command": job.command}, status=HTTPStatus.ACCEPTED)

    async def stop(self, request: web.Request) -> web.Response:
        request.app[self._key].scenario.stop()
        return web.json_response({}, status=HTTPStatus.ACCEPTED)

    async def _filled(self, request: web.Request) -> Filled | web.Response:
        watch = request.app[self._key]
        form = await _body(request)
        if not watch.standing.workers:
            return _told(watch.standing.told()["hint"], HTTPStatus.CONFLICT)
        try:
            return fill(form, watch.standing.workers, watch.standing.project)
        except FormError as error:
            wrong = {"error": str(error), "field": error.field}
            return web.json_response(wrong, status=HTTPStatus.UNPROCESSABLE_ENTITY)

    def _start(self, request: web.Request, words: list[str]) -> web.Response:
        job = request.app[self._key].jobs.start(words)
        if job is None:
            return _told(TOO_MANY, HTTPStatus.CONFLICT)
        told = {"job": job.number, "command": job.command}
        return web.json_response(told, status=HTTPStatus.ACCEPTED)

    @staticmethod
    def _project(watch: Watch) -> list[str]:
        return project_option(watch.standing.project).split()


def _preview(filled: Filled) -> dict[str, Any]:
    return {
        "hits": list(filled.hits),
        "spares": filled.spares,
        "seed": filled.seed,
        "command": filled.command,
    }


async def _body(request: web.Request) -> dict[str, Any]:
    try:
        body = await request.json()
    except ValueError:
        raise UsageError("expected JSON") from None
    if not isinstance(body, dict):
        raise UsageError("expected a JSON object")
    return body


def _scenarios(results: Path) -> list[dict[str, Any]]:
    last: dict[str, str] = {}
    for folder in sorted(results.glob("*Z-*")):
        if (verdict := read_verdict(folder)) is not None:
            last[verdict.scenario] = verdict.verdict
    found = []
    for name, path in scenario_paths().items():
        try:
            loaded = load_scenario(path)
        except UsageError:
            # `lab.py scenarios` says what is wrong with it.
            continue
        found.append({
            "name": name,
            "claim": loaded.claim,
            "workers": loaded.scenario.workers,
            "duration_s": loaded.scenario.duration_s,
            "last_verdict": last.get(name),
        })  # fmt: skip
    return found


def _told(sentence: str, status: HTTPStatus) -> web.Response:
    return web.json_response({"error": sentence}, status=status)
