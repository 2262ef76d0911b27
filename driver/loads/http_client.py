"""Sends the requests of a load for its simulated clients, and writes each as an operation."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from types import SimpleNamespace, TracebackType
from typing import Any

import aiohttp

from driver.histories.system_events import FAIL, OK, UNKNOWN
from driver.loads.http import Answered, Cookies, HttpLoad, HttpRequest
from driver.loads.operation_log import OperationLog

MOST_BODY_BYTES = 64 << 10
"""Of an answer; the outcome of an operation whose longer answer is to be read is unknown."""
MOST_COOKIES = 200
"""Of one client; beyond them it begins without any."""


@dataclass
class _Progress:
    """How far a request came: until it has a connection nothing of it was sent."""

    is_connected: bool = False


class HttpClient:
    """Clients of one load, each with cookies of its own, as an async context."""

    def __init__(self, load: HttpLoad, operations: OperationLog) -> None:
        self._load = load
        self._operations = operations
        self._sessions: list[aiohttp.ClientSession] = []
        self._connector: aiohttp.TCPConnector | None = None

    async def __aenter__(self) -> HttpClient:
        # A connection of its own for each request: a stale one is no fault of the system.
        self._connector = aiohttp.TCPConnector(limit=0, force_close=not self._load.keep_alive)
        self._sessions = [self._session(self._connector) for _ in range(self._load.clients)]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for session in self._sessions:
            await session.close()
        if self._connector is not None:
            await self._connector.close()

    def _session(self, connector: aiohttp.TCPConnector) -> aiohttp.ClientSession:
        jar: aiohttp.abc.AbstractCookieJar = aiohttp.DummyCookieJar()
        if self._load.cookies is Cookies.kept:
            # Addresses of the lab are numeric, and cookies of these are dropped otherwise.
            jar = aiohttp.CookieJar(unsafe=True)
        session = aiohttp.ClientSession(
            connector=connector,
            connector_owner=False,
            cookie_jar=jar,
            trust_env=False,
            auto_decompress=False,
            headers={"Accept-Encoding": "identity"},
            timeout=aiohttp.ClientTimeout(total=None),
            trace_configs=[_connection_trace()],
        )
        # Else aiohttp (3.14) sends a GET, PUT or DELETE a second time on a new connection where a kept one
        # breaks: the first one may have had its effect though the second is not connected. It has no option.
        session._retry_connection = False
        return session

    async def send(self, request: HttpRequest, due_ns: int) -> None:
        """Send a request, and write what became of it."""
        progress = _Progress()
        call_ns = time.monotonic_ns()
        answered = Answered(UNKNOWN, None, "the load ended before an answer")
        try:
            async with asyncio.timeout(self._load.timeout_s):
                answered = await self._ask(request, progress)
        except TimeoutError:
            answered = _unanswered(progress, f"no answer within {self._load.timeout_s:g} s")
        except (aiohttp.ClientError, OSError, ValueError) as error:
            answered = _unanswered(progress, f"{type(error).__name__}: {error}")
        finally:
            self._write(request, due_ns, call_ns, answered)

    def refuse(self, request: HttpRequest, due_ns: int) -> None:
        """Write that a request was not sent, since too many are in flight."""
        answered = Answered(FAIL, None, f"not sent: {self._load.in_flight} requests wait for an answer")
        self._write(request, due_ns, time.monotonic_ns(), answered)

    async def _ask(self, request: HttpRequest, progress: _Progress) -> Answered:
        session = self._sessions[request.client]
        body: dict[str, Any] = {}
        if request.form is not None:
            body = {"data": request.form}
        elif request.json is not None:
            body = {"json": request.json}
        if len(session.cookie_jar) > MOST_COOKIES:
            session.cookie_jar.clear()
        async with session.request(
            request.method,
            request.url,
            headers=request.headers,
            allow_redirects=False,
            trace_request_ctx=progress,
            **body,
        ) as answer:
            read = bytearray()
            async for piece in answer.content.iter_any():
                read += piece
                if len(read) > MOST_BODY_BYTES:
                    break
            answered = self._load.answered(answer.status, answer.reason or "", bytes(read[:MOST_BODY_BYTES]))
        if len(read) > MOST_BODY_BYTES and answered.outcome == OK and self._load.reads_body:
            return Answered(UNKNOWN, None, f"the answer has more than {MOST_BODY_BYTES} bytes")
        return answered

    def _write(self, request: HttpRequest, due_ns: int, call_ns: int, answered: Answered) -> None:
        subject = request.subject
        self._operations.operation(
            op=self._load.operation_name,
            key=subject.key,
            value=answered.value if self._load.read else self._load.written_value(subject),
            due_ns=due_ns,
            call_ns=call_ns,
            return_ns=time.monotonic_ns(),
            outcome=answered.outcome,
            process=request.client,
            detail=answered.detail,
        )


def _unanswered(progress: _Progress, detail: str) -> Answered:
    if progress.is_connected:
        return Answered(UNKNOWN, None, detail)
    return Answered(FAIL, None, f"not connected: {detail}")


def _connection_trace() -> aiohttp.TraceConfig:
    async def connected(_: aiohttp.ClientSession, context: SimpleNamespace, __: object) -> None:
        context.trace_request_ctx.is_connected = True

    trace = aiohttp.TraceConfig()
    trace.on_connection_create_end.append(connected)
    trace.on_connection_reuseconn.append(connected)
    return trace
