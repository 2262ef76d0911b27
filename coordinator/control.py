"""The control API, for the driver alone: health, tasks, state, metrics, drain. JSON as in wire/control.py."""

from __future__ import annotations

import time
from collections.abc import Callable

import msgspec
from aiohttp import web

from coordinator.awaited import AWAITED_MAX
from coordinator.metrics import render
from coordinator.rows import ResultRow
from coordinator.server import Shell
from wire.control import WAIT_MAX_MS, Health, Submission, Submitted, Task, TaskResult
from wire.decoding import UNDECODABLE

BODY_MAX_BYTES = 64 * 1024 * 1024
WAIT_DIGITS = len(str(WAIT_MAX_MS))


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
        wait_ms = _wait_ms(request)
        if wait_ms is None:
            return web.Response(status=400, text=f"wait_ms must be a number from 0 to {WAIT_MAX_MS}\n")
        if wait_ms and not self._shell.awaited.has_room(len(submission.tasks)):
            return web.Response(status=503, text=f"{AWAITED_MAX} results are waited for already; try later\n")
        answer = self._shell.core.on_submit(submission.tasks)
        if wait_ms:
            answer = await self._with_results(submission.tasks, answer, wait_ms)
        if len(answer.results) < len(submission.tasks):
            await self._shell.committer.durable()
        return _json(answer)

    async def _with_results(self, tasks: list[Task], answer: Submitted, wait_ms: int) -> Submitted:
        refused = {task.task_id for task in answer.refused}
        names = dict.fromkeys(task.task_id for task in tasks if task.task_id not in refused)
        numbers = {name: self._shell.core.ledger.done(name) for name in names}
        self._shell.committer.poke()
        coming = [name for name, number in numbers.items() if number is None]
        rows = await self._shell.awaited.wait(coming, wait_ms)
        done = [number for number in numbers.values() if number is not None]
        rows += await self._shell.committer.results_of(done)
        return msgspec.structs.replace(answer, results=[_result(row) for row in rows])

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


def _wait_ms(request: web.Request) -> int | None:
    text = request.query.get("wait_ms", "0")
    if not text.isdecimal() or len(text) > WAIT_DIGITS or int(text) > WAIT_MAX_MS:
        return None
    return int(text)


def _result(row: ResultRow) -> TaskResult:
    output = row.output.decode(errors="replace")
    return TaskResult(row.task_id, row.outcome, output, row.error, row.worker, row.attempts)


def _json(answer: msgspec.Struct, status: int = 200) -> web.Response:
    return web.Response(body=msgspec.json.encode(answer), status=status, content_type="application/json")
