"""The control API, for the driver alone: health, tasks, state, metrics, drain. JSON as in wire/control.py."""

from __future__ import annotations

import time
from collections.abc import Callable

import msgspec
from aiohttp import web

from coordinator.metrics import render
from coordinator.server import Shell
from wire.control import Health, Submission
from wire.decoding import UNDECODABLE

BODY_MAX_BYTES = 64 * 1024 * 1024


class Control:
    """Answers HTTP requests from one core."""

    def __init__(self, shell: Shell, drain: Callable[[], None]) -> None:
        self._shell = shell
        self._drain = drain

    def app(self) -> web.Application:
        """The routes."""
        app = web.Application(client_max_size=BODY_MAX_BYTES)
        app.router.add_get("/healthz", self._health)
        app.router.add_post("/tasks", self._submit)
        app.router.add_get("/state", self._state)
        app.router.add_post("/drain", self._leave)
        app.router.add_get("/metrics", self._metrics)
        return app

    async def _health(self, request: web.Request) -> web.Response:
        core = self._shell.core
        return _json(Health(core.epoch, time.monotonic_ns()), status=503 if core.draining else 200)

    async def _submit(self, request: web.Request) -> web.Response:
        try:
            submission = msgspec.json.decode(await request.read(), type=Submission)
        except UNDECODABLE as error:
            return web.Response(status=400, text=f"expected a Submission (wire/control.py): {error}\n")
        answer = self._shell.core.on_submit(submission.tasks)
        await self._shell.committer.durable()
        return _json(answer)

    async def _state(self, request: web.Request) -> web.Response:
        return _json(self._shell.core.state(time.monotonic_ns()))

    async def _leave(self, request: web.Request) -> web.Response:
        self._drain()
        return web.Response(status=202, text="leaving\n")

    async def _metrics(self, request: web.Request) -> web.Response:
        return web.Response(
            body=render(self._shell.core, self._shell.committer, time.monotonic_ns()),
            headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"},
        )


def _json(answer: msgspec.Struct, status: int = 200) -> web.Response:
    return web.Response(body=msgspec.json.encode(answer), status=status, content_type="application/json")
