"""A coordinator of a hundred lines, made from wire/ alone: enough to try a worker over a real socket.

It keeps one session for each worker, assigns what a test gives it, and records what it receives.
"""

from __future__ import annotations

import contextlib
import http
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from wire.channel import Channel
from wire.codec import FrameDecoder, FrameEncoder, FrameLimits, session_keys
from wire.handshake import (
    HELLO_HEADER,
    REFUSAL_HEADER,
    WELCOME_HEADER,
    Backoff,
    HandshakeError,
    Hello,
    Refusal,
    Welcome,
    read_hello,
    write_refusal,
    write_welcome,
)  # fmt: skip
from wire.messages import Assign, Checkpoint, Heartbeat, LeasesRenewed, Message
from wire.priority import Priority

KEY = bytes(range(32))


@dataclass
class Knobs:
    """What a test sets."""

    heartbeat_interval_ms: int = 300
    heartbeat_timeout_ms: int = 2_000
    lease_ms: int = 30_000
    base_ms: int = 10
    cap_ms: int = 50
    answers_heartbeats: bool = True
    resumes: bool = True
    refusal: tuple[int, Refusal] | None = None
    spoil: Callable[[bytes], bytes | str] | None = None


@dataclass
class SmallCoordinator:
    """`heard` holds every message in order; `channel` is the newest session's."""

    knobs: Knobs = field(default_factory=Knobs)
    heard: list[Message] = field(default_factory=list)
    hellos: list[Hello] = field(default_factory=list)
    outcomes: list[str] = field(default_factory=list)
    channel: Channel | None = None
    connection: ServerConnection | None = None
    port: int = 0
    dialled: int = 0
    _session: str = ""
    _encoder: FrameEncoder | None = None
    _server: Server | None = None
    _welcomes: dict[str, Welcome] = field(default_factory=dict)
    _token: int = 0

    async def __aenter__(self) -> SmallCoordinator:
        await self.listen()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop_listening()

    async def listen(self) -> None:
        """Take connections, on the same port as before."""
        self._server = await serve(
            self._serve, "127.0.0.1", self.port, process_request=self._greet, process_response=self._answer,
            compression=None, ping_interval=None, close_timeout=0.2,
        )  # fmt: skip
        self.port = next(iter(self._server.sockets)).getsockname()[1]

    async def stop_listening(self) -> None:
        """Cut everyone off and refuse connections."""
        assert self._server is not None
        if self.connection is not None:
            self.connection.transport.abort()
        self._server.close()
        await self._server.wait_closed()

    async def assign(
        self, kind: str, params: bytes = b"{}", *, task_id: str = "", checkpoint: Checkpoint | None = None,
        timeout_ms: int = 60_000, reached_step: int = 0,
    ) -> int:  # fmt: skip
        """Hand out an attempt; returns its token."""
        self._token += 1
        assign = Assign(
            task_id or f"t{self._token}", self._token, kind, params, Priority.normal, 1, self.knobs.lease_ms,
            timeout_ms, checkpoint, reached_step,
        )  # fmt: skip
        await self.say(assign)
        return self._token

    async def say(self, message: Message) -> None:
        """Send a numbered message, now or on the next connection."""
        assert self.channel is not None
        self.channel.send(message, Priority.normal, time.monotonic_ns(), always=True)
        await self._send()

    def all(self, kind: type[Message]) -> list[Message]:
        """The received messages of one kind."""
        return [message for message in self.heard if isinstance(message, kind)]

    def _greet(self, connection: ServerConnection, request: Request) -> Response | None:
        self.dialled += 1
        if self.knobs.refusal is not None:
            status, refusal = self.knobs.refusal
            headers = Headers({REFUSAL_HEADER: write_refusal(refusal), "Content-Length": "0"})
            return Response(status, http.HTTPStatus(status).phrase, headers, b"")
        return None

    def _answer(self, connection: ServerConnection, request: Request, response: Response) -> Response | None:
        try:
            hello = read_hello(request.headers[HELLO_HEADER], KEY, time.time())
        except HandshakeError as error:
            refusal = write_refusal(Refusal(error.reason.label, error.detail))
            return Response(error.reason.status, "no", Headers({REFUSAL_HEADER: refusal}), b"")
        self.hellos.append(hello)
        welcome = self._welcome(hello)
        self.outcomes.append(welcome.outcome)
        self._welcomes[str(connection.id)] = welcome
        response.headers[WELCOME_HEADER] = write_welcome(welcome, KEY, hello)
        return None

    def _welcome(self, hello: Hello) -> Welcome:
        knobs, resume = self.knobs, hello.resume
        outcome = "fresh" if resume is None else "reset"
        known = resume is not None and resume.session == self._session and knobs.resumes
        if self.channel is not None and resume is not None and known:
            outcome = "resumed"
            self.channel.resume(resume.received, 512)
        else:
            self.channel = Channel()
            self.channel.resume(0, 512)
            self._session = f"s{len(self.hellos)}"
        because = "told to" if outcome == "reset" else ""
        backoff = Backoff(knobs.base_ms, knobs.cap_ms)
        return Welcome(
            outcome, because, self._session, 1, bytes(16), self.channel.received, False, 512,
            knobs.heartbeat_interval_ms, knobs.heartbeat_timeout_ms, backoff, True,
        )  # fmt: skip

    async def _serve(self, connection: ServerConnection) -> None:
        hello, welcome = self.hellos[-1], self._welcomes[str(connection.id)]
        keys = session_keys(KEY, welcome.session, welcome.epoch, hello.nonce + welcome.nonce)
        self.connection, self._encoder = connection, FrameEncoder(keys.to_worker)
        decoder = FrameDecoder(keys.to_coordinator, FrameLimits())
        channel = self.channel
        assert channel is not None
        try:
            await self._send()
            async for data in connection:
                frame = decoder.decode(data)
                arrived, _ = channel.receive(frame)
                channel.commit(channel.received)
                self.heard += arrived
                beats = [message for message in arrived if isinstance(message, Heartbeat)]
                renewed = [
                    LeasesRenewed(beat.sent_ns, self.knobs.lease_ms, [each.token for each in beat.progress])
                    for beat in beats
                    if self.knobs.answers_heartbeats
                ]
                if len(arrived) > len(beats) or renewed:
                    await self._send(*renewed)
        except ConnectionClosed:
            pass

    async def _send(self, *unnumbered: Message) -> None:
        connection = self.connection
        if connection is None or self._encoder is None or self.channel is None:
            return
        data = self._encoder.encode(self.channel.take(time.monotonic_ns(), unnumbered))
        with contextlib.suppress(ConnectionClosed):
            await connection.send(data if self.knobs.spoil is None else self.knobs.spoil(data))
