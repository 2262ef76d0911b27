"""What a connection and a heartbeat cost the real coordinator's core: its processor time, from the kernel's
own account, ÷ how many it served. Connections come in batches, as they do in a storm.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import os
import socket
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from websockets.frames import Frame, Opcode

from benchmarks.affinity import FIRST, children_on
from tests.integration.processes import CoordinatorProcess
from tests.worker.small_coordinator import KEY
from wire.address import WORKER_PATH
from wire.channel import Channel
from wire.codec import PROTOCOL_VERSION, FrameEncoder, session_keys
from wire.handshake import HELLO_HEADER, WELCOME_HEADER, Hello, Resume, Welcome, read_welcome, write_hello
from wire.messages import Heartbeat

BATCH = 40
BATCHES, QUICK_BATCHES = 20, 2
RECEIVED_BYTES = 65_536
TIMEOUT_S = 10.0
LOOK_S, LOOKS_MAX = 0.2, 100
CALM = 0.03
"""The part of a core that a coordinator without work uses at most."""


@dataclass(frozen=True)
class Costs:
    """Microseconds of the coordinator's core: a connection that is only accepted; one whose client left
    before its hello was read; one that is turned away at the door; one that becomes a session again and is
    lost; one heartbeat and its answer.
    """

    accepted_us: float
    abandoned_us: float
    refused_us: float
    resumed_us: float
    heartbeat_us: float

    @property
    def handshakes_per_s(self) -> float:
        """How many a whole core serves back to back."""
        return 1e6 / self.resumed_us


async def measure(*, quick: bool) -> Costs:
    """Measure all of them, on coordinators of their own pinned to FIRST."""
    batches = QUICK_BATCHES if quick else BATCHES
    async with _coordinator(admission_per_s=100_000.0, admission_burst=10_000) as open_door:
        client = _Client(open_door)
        client.handshakes()
        accepted_us = await client.cost_us(batches, client.visits)
        abandoned_us = await client.cost_us(batches, client.leave)
        resumed_us = await client.cost_us(batches, client.handshakes)
        client.speak()
        heartbeat_us = await client.cost_us(batches, client.beat)
    async with _coordinator(admission_per_s=0.001, admission_burst=1) as closed_door:
        client = _Client(closed_door)
        refused_us = await client.cost_us(batches, client.handshakes)
    return Costs(accepted_us, abandoned_us, refused_us, resumed_us, heartbeat_us)


@contextlib.asynccontextmanager
async def _coordinator(**settings: float) -> AsyncIterator[CoordinatorProcess]:
    async with contextlib.AsyncExitStack() as stack:
        with children_on(FIRST):
            coordinator = await stack.enter_async_context(CoordinatorProcess(**settings))
        yield coordinator


class _Client:
    """BATCH workers as far as their handshakes and heartbeats go, at a coordinator of its own process."""

    def __init__(self, coordinator: CoordinatorProcess) -> None:
        assert coordinator.process is not None
        self._port = coordinator.port
        self._pid = coordinator.process.pid
        self._welcomes: dict[int, Welcome] = {}
        self._speakers: list[tuple[socket.socket, Channel, FrameEncoder]] = []

    async def cost_us(self, batches: int, batch: Callable[[], None]) -> float:
        """The coordinator's processor time for one of BATCH."""
        batch()
        began_ns = await self._calm_ns()
        for _ in range(batches):
            batch()
        return (await self._calm_ns() - began_ns) / 1000 / (batches * BATCH)

    async def _calm_ns(self) -> int:
        """The processor time used, once nothing is left to do: a late comer was answered, and since then
        little was used.
        """
        ((_, late, hello),) = self._greet([BATCH])
        self._hear(BATCH, late, hello)
        late.close()
        for _ in range(LOOKS_MAX):
            before_ns = self._used_ns()
            await asyncio.sleep(LOOK_S)
            if (used_ns := self._used_ns()) - before_ns < CALM * LOOK_S * 1e9:
                return used_ns
        raise TimeoutError(f"the coordinator is still busy after {LOOKS_MAX * LOOK_S:.0f} s")

    def visits(self) -> None:
        """Connect, and go without a word."""
        for dialled in self._dial(BATCH):
            dialled.close()

    def leave(self) -> None:
        """Say hello, and go before the answer."""
        dialled = self._dial(BATCH)
        for number, each in enumerate(dialled):
            each.sendall(self._request(number)[1])
            each.close()

    def handshakes(self) -> None:
        """Send a hello, receive the answer, and close."""
        for number, each, hello in self._greet(range(BATCH)):
            self._hear(number, each, hello)
            each.close()

    def speak(self) -> None:
        """Keep every connection, to `beat` on them."""
        for number, each, hello in self._greet(range(BATCH)):
            welcome = self._hear(number, each, hello)
            assert welcome is not None
            nonces = hello.nonce + welcome.nonce
            keys = session_keys(KEY, welcome.session, welcome.epoch, nonces)
            self._speakers.append((each, Channel(), FrameEncoder(keys.to_coordinator)))

    def beat(self) -> None:
        """A heartbeat of everyone, and its answer."""
        for to, channel, encoder in self._speakers:
            now_ns = time.monotonic_ns()
            data = encoder.encode(channel.take(now_ns, (Heartbeat(now_ns, 2_000, []),)))
            to.sendall(Frame(Opcode.BINARY, data).serialize(mask=True))
        for to, _, _ in self._speakers:
            if not to.recv(RECEIVED_BYTES):
                raise ConnectionError("the coordinator ended the connection at a heartbeat")

    def _dial(self, count: int) -> list[socket.socket]:
        return [socket.create_connection(("127.0.0.1", self._port), timeout=TIMEOUT_S) for _ in range(count)]

    def _greet(self, numbers: Sequence[int]) -> list[tuple[int, socket.socket, Hello]]:
        greeted = []
        for number, each in zip(numbers, self._dial(len(numbers)), strict=True):
            hello, request = self._request(number)
            each.sendall(request)
            greeted.append((number, each, hello))
        return greeted

    def _request(self, number: int) -> tuple[Hello, bytes]:
        known = self._welcomes.get(number)
        resume = None if known is None else Resume(known.session, known.epoch, 0)
        hello = Hello(
            PROTOCOL_VERSION, f"worker-{number + 1}", "bench", os.urandom(16), time.time(), 4, 4, True, resume
        )
        key = base64.b64encode(os.urandom(16)).decode()
        lines = (
            f"GET {WORKER_PATH} HTTP/1.1", "Host: coordinator", "Upgrade: websocket", "Connection: Upgrade",
            f"Sec-WebSocket-Key: {key}", "Sec-WebSocket-Version: 13",
            f"{HELLO_HEADER}: {write_hello(hello, KEY)}", "", "",
        )  # fmt: skip
        return hello, "\r\n".join(lines).encode()

    def _hear(self, number: int, each: socket.socket, hello: Hello) -> Welcome | None:
        """The welcome, or None where the door is closed."""
        answer = b""
        while b"\r\n\r\n" not in answer:
            more = each.recv(RECEIVED_BYTES)
            if not more:
                raise ConnectionError("the coordinator ended a connection without an answer")
            answer += more
        headers = dict(line.split(": ", 1) for line in answer.decode().split("\r\n") if ": " in line)
        if WELCOME_HEADER not in headers:
            return None
        welcome = self._welcomes[number] = read_welcome(headers[WELCOME_HEADER], KEY, hello)
        return welcome

    def _used_ns(self) -> int:
        tasks = Path(f"/proc/{self._pid}/task").iterdir()
        return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks)
