"""A minimal worker, made of wire/ alone: it connects, receives messages, and sends those that a test asks
for.
"""

from __future__ import annotations

import asyncio
import os
import time

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus

from wire.address import coordinator_url
from wire.channel import Channel
from wire.codec import FrameDecoder, FrameEncoder, FrameLimits, session_keys
from wire.handshake import (
    HELLO_HEADER,
    REFUSAL_HEADER,
    WELCOME_HEADER,
    Hello,
    Refusal,
    Resume,
    Welcome,
    read_refusal,
    read_welcome,
    write_hello,
)
from wire.messages import (
    Assign,
    AttemptReport,
    AttemptResult,
    Heartbeat,
    HeldAttempt,
    LeasesRenewed,
    Message,
    Progress,
)
from wire.priority import Priority


class RefusedError(Exception):
    """The coordinator refused the handshake."""

    def __init__(self, status: int, refusal: Refusal, retry_after: str | None) -> None:
        super().__init__(f"{status} {refusal}")
        self.retry_after = retry_after
        self.status = status
        self.refusal = refusal


class FakeWorker:
    """One session over as many connections as the test opens."""

    def __init__(self, name: str, port: int, key: bytes, *, slots: int = 4, prefetch: int = 4) -> None:
        self.name = name
        self.port = port
        self.key = key
        self.slots = slots
        self.prefetch = prefetch
        self.incarnation = os.urandom(8).hex()
        self.channel = Channel()
        self.session: Resume | None = None
        self.welcome: Welcome | None = None
        self.assigned: list[Assign] = []
        self.received_messages: list[Message] = []
        self.acknowledged: list[Message] = []
        self.link: ClientConnection
        self._decoder: FrameDecoder
        self._encoder: FrameEncoder

    def hello(self) -> Hello:
        resume = None
        if self.session is not None:
            resume = Resume(self.session.session, self.session.epoch, self.channel.received)
        return Hello(
            1,
            self.name,
            self.incarnation,
            os.urandom(16),
            time.time(),
            self.slots,
            self.prefetch,
            True,
            resume,
        )

    async def connect(self, hello: Hello | None = None) -> Welcome:
        hello = hello or self.hello()
        headers = {HELLO_HEADER: write_hello(hello, self.key)}
        try:
            self.link = await connect(
                coordinator_url("127.0.0.1", self.port), additional_headers=headers, compression=None,
                proxy=None, ping_interval=None, close_timeout=1,
            )  # fmt: skip
        except InvalidStatus as error:
            response = error.response
            refusal = read_refusal(response.headers[REFUSAL_HEADER])
            raise RefusedError(response.status_code, refusal, response.headers.get("Retry-After")) from None
        assert self.link.response is not None
        welcome = read_welcome(self.link.response.headers[WELCOME_HEADER], self.key, hello)
        keys = session_keys(self.key, welcome.session, welcome.epoch, hello.nonce + welcome.nonce)
        self._decoder = FrameDecoder(keys.to_worker, FrameLimits())
        self._encoder = FrameEncoder(keys.to_coordinator)
        if welcome.outcome == "resumed":
            self.acknowledged += self.channel.resume(welcome.received, welcome.credit)
            if welcome.new_stream:
                self.channel.restart_incoming()
        else:
            self.channel.restart(welcome.credit)
        self.session = Resume(welcome.session, welcome.epoch, 0)
        self.welcome = welcome
        return welcome

    async def send(self, *unnumbered: Message) -> None:
        frame = self.channel.take(time.monotonic_ns(), unnumbered)
        await self.link.send(self._encoder.encode(frame))

    async def inventory(self, *held: HeldAttempt) -> None:
        await self.send(AttemptReport(list(held)))

    async def heartbeat(self, *tokens: int) -> LeasesRenewed:
        beat = Heartbeat(time.monotonic_ns(), 2000, [Progress(token, 0) for token in tokens])
        await self.send(beat)
        while True:
            for message in await self.listen():
                if isinstance(message, LeasesRenewed) and message.echo_ns == beat.sent_ns:
                    return message

    async def listen(self, timeout_s: float = 5) -> list[Message]:
        """Return the messages of one frame."""
        frame = self._decoder.decode(await asyncio.wait_for(self.link.recv(), timeout_s))
        arrived, acknowledged = self.channel.receive(frame)
        self.channel.commit(self.channel.received)
        self.received_messages += arrived
        self.acknowledged += acknowledged
        self.assigned += [message for message in arrived if isinstance(message, Assign)]
        return arrived

    async def wait_assigned(self, count: int) -> list[Assign]:
        while len(self.assigned) < count:
            await self.listen()
        return self.assigned

    async def finish(self, assign: Assign, *, output: bytes = b"1", error: str = "") -> None:
        """Report a result, without waiting for its acknowledgement."""
        now_ns = time.monotonic_ns()
        result = AttemptResult(assign.task_id, assign.token, output, error, now_ns, now_ns, now_ns)
        self.channel.send(result, Priority.high, now_ns, always=True)
        await self.send()

    async def wait_acknowledged(self, count: int) -> None:
        while len(self.acknowledged) < count:
            await self.listen()

    async def close(self) -> None:
        await self.link.close()
