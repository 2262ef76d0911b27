"""The control API, for the driver alone: health, tasks, state, metrics, drain. JSON as in wire/control.py."""

from __future__ import annotations

import time
import weakref
from collections.abc import Callable
from dataclasses import dataclass

import msgspec
from aiohttp import WSCloseCode, WSMsgType, web

from coordinator.control_auth import ControlAuth
from coordinator.metrics import render
from coordinator.request_bodies import BODY_MAX_BYTES, MIB, NoRoomError, RequestBodies, TooLargeError
from coordinator.result_waiters import RESULTS_MAX, within
from coordinator.rows import ResultRow
from coordinator.server import CoordinatorServer
from wire.control import ANSWER_BYTES, WAIT_MAX_MS, CoordinatorHealth, Submission, SubmissionReply, TaskResult
from wire.errors import DECODE_ERRORS

MESSAGE_MAX_BYTES = 4 * MIB
SOCKETS_MAX = 16
"""Submitters over WebSockets; each may have a message of MESSAGE_MAX_BYTES under way."""
WAIT_DIGITS = len(str(WAIT_MAX_MS))
HEARTBEAT_S = 30.0
CLOSE_REASON_BYTES = 123
"""Room for the reason in a close frame (RFC 6455, section 5.5)."""


class UnanswerableError(Exception):
    """A request that gets an error: HTTP status, close code (RFC 6455, section 7.4), and a sentence for the
    client.
    """

    def __init__(self, status: int, close_code: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status
        self.close_code = close_code


@dataclass(frozen=True)
class AcceptedSubmission:
    """A submission whose tasks were accepted: the answer so far, and the names of its tasks."""

    answer: SubmissionReply
    names: list[str]


class ControlApi:
    """Answers HTTP requests from one core."""

    def __init__(self, server: CoordinatorServer, drain: Callable[[], None], guard: ControlAuth) -> None:
        self._server = server
        self._guard = guard
        self._drain = drain
        self._bodies = RequestBodies()
        self._sockets: weakref.WeakSet[web.WebSocketResponse] = weakref.WeakSet()

    def app(self) -> web.Application:
        """Return the application with its routes."""
        app = web.Application(middlewares=[self._guard.let_in], client_max_size=BODY_MAX_BYTES)
        app.router.add_get("/healthz", self._health)
        app.router.add_post("/tasks", self._submit)
        app.router.add_get("/tasks", self._submit_many)
        app.router.add_get("/state", self._state)
        app.router.add_post("/drain", self._leave)
        app.router.add_get("/metrics", self._metrics)
        app.on_shutdown.append(self._hang_up)
        return app

    async def _hang_up(self, app: web.Application) -> None:
        """Close the submitters' WebSockets, which a shutdown would wait for."""
        for socket in list(self._sockets):
            await socket.close(code=WSCloseCode.GOING_AWAY, message=b"the coordinator is leaving")

    async def _health(self, request: web.Request) -> web.Response:
        core = self._server.core
        return _json(CoordinatorHealth(core.epoch, time.monotonic_ns()), status=503 if core.draining else 200)

    async def _submit(self, request: web.Request) -> web.Response:
        try:
            wait_ms = _wait_ms(request)
            taken = self._take(await self._body(request), wait_ms)
            return _json(await self._answer(taken, wait_ms))
        except UnanswerableError as error:
            return web.Response(status=error.status, text=f"{error}\n")

    async def _body(self, request: web.Request) -> bytes:
        """Return the body, once there is room for it; `_take` must run in this very turn of the loop."""
        try:
            body = await self._bodies.read(request.content, request.content_length)
        except TooLargeError as error:
            raise UnanswerableError(413, WSCloseCode.MESSAGE_TOO_BIG, str(error)) from None
        except NoRoomError as error:
            raise UnanswerableError(503, WSCloseCode.TRY_AGAIN_LATER, f"{error}; try later") from None
        except TimeoutError:
            raise UnanswerableError(
                408, WSCloseCode.POLICY_VIOLATION, "the submission did not come whole in time"
            ) from None
        self._bodies.release(len(body))
        return body

    async def _submit_many(self, request: web.Request) -> web.StreamResponse:
        """Over a WebSocket: a Submission a message, a SubmissionReply each, one after the other."""
        try:
            wait_ms = _wait_ms(request)
        except UnanswerableError as error:
            return web.Response(status=error.status, text=f"{error}\n")
        if len(self._sockets) >= SOCKETS_MAX:
            return web.Response(status=503, text=f"{SOCKETS_MAX} submitters are connected; try later\n")
        socket = web.WebSocketResponse(max_msg_size=MESSAGE_MAX_BYTES, compress=False, heartbeat=HEARTBEAT_S)
        await socket.prepare(request)
        self._sockets.add(socket)
        try:
            async for message in socket:
                if message.type not in (WSMsgType.TEXT, WSMsgType.BINARY):
                    break  # An error: the message is too long, or the client left; the socket is closed.
                taken = self._take(message.data, wait_ms)
                del message  # Its params would be kept while results are waited for.
                answer = await self._answer(taken, wait_ms)
                await socket.send_bytes(msgspec.json.encode(answer))
        except UnanswerableError as error:
            await socket.close(code=error.close_code, message=str(error).encode()[:CLOSE_REASON_BYTES])
        except ConnectionError:
            pass  # The client left; accepted tasks stay.
        finally:
            self._sockets.discard(socket)
        return socket

    def _take(self, body: bytes | str, wait_ms: int) -> AcceptedSubmission:
        """Decode a submission and accept its tasks. The returned value keeps no part of the body."""
        try:
            tasks = msgspec.json.decode(body, type=Submission).tasks
        except DECODE_ERRORS as error:
            raise UnanswerableError(
                400, WSCloseCode.INVALID_TEXT, f"expected a Submission (wire/control.py): {error}"
            ) from None
        if wait_ms and not self._server.result_waiters.has_room(len(tasks)):
            raise UnanswerableError(
                503, WSCloseCode.TRY_AGAIN_LATER, f"{RESULTS_MAX} results are waited for already; try later"
            )
        answer = self._server.core.on_submit(time.monotonic_ns(), tasks, at_once=wait_ms > 0)
        self._server.act()
        return AcceptedSubmission(answer, [task.task_id for task in tasks])

    async def _answer(self, taken: AcceptedSubmission, wait_ms: int) -> SubmissionReply:
        answer = taken.answer
        if wait_ms:
            answer = await self._with_results(taken.names, answer, wait_ms)
        if len(answer.results) < len(taken.names):
            await self._server.committer.durable()
        return answer

    async def _with_results(
        self, requested: list[str], answer: SubmissionReply, wait_ms: int
    ) -> SubmissionReply:
        refused = {task.task_id for task in answer.refused}
        names = dict.fromkeys(name for name in requested if name not in refused)
        numbers = {name: self._server.core.ledger.done(name) for name in names}
        self._server.committer.schedule()
        coming = [name for name, number in numbers.items() if number is None]
        rows = await self._server.result_waiters.wait(coming, wait_ms)
        done = [number for number in numbers.values() if number is not None]
        rows += await self._server.committer.results_of(done)
        return msgspec.structs.replace(answer, results=[_result(row) for row in within(rows, ANSWER_BYTES)])

    async def _state(self, request: web.Request) -> web.Response:
        return _json(self._server.core.state(time.monotonic_ns()))

    async def _leave(self, request: web.Request) -> web.Response:
        self._drain()
        return web.Response(status=202, text="leaving\n")

    async def _metrics(self, request: web.Request) -> web.Response:
        return web.Response(
            body=render(self._server.core, self._server.committer, time.monotonic_ns()),
            headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"},
        )


def _wait_ms(request: web.Request) -> int:
    text = request.query.get("wait_ms", "0")
    if not text.isdecimal() or len(text) > WAIT_DIGITS or int(text) > WAIT_MAX_MS:
        raise UnanswerableError(
            400, WSCloseCode.INVALID_TEXT, f"wait_ms must be a number from 0 to {WAIT_MAX_MS}"
        )
    return int(text)


def _result(row: ResultRow) -> TaskResult:
    output = row.output.decode(errors="replace")
    return TaskResult(row.task_id, row.outcome, output, row.error, row.worker, row.attempts)


def _json(answer: msgspec.Struct, status: int = 200) -> web.Response:
    return web.Response(body=msgspec.json.encode(answer), status=status, content_type="application/json")
