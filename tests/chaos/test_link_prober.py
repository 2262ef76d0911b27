"""The prober on one link: what it keeps, what it notices, and that it comes back by itself."""

from __future__ import annotations

import asyncio
import random
import time
import zlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import msgspec
import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from chaos.prober import events
from chaos.prober.connections import PROBE_BYTES, PROBE_PATH
from chaos.prober.link_prober import LinkProber
from chaos.prober.probe_rate import ProbeRate
from chaos.prober.settings import ProbedLink
from tests.waiting import eventually
from wire.events import Event, Journal
from wire.probe import STAMP
from wire.probe_stream import STREAM_HEADER

CLOSE = ProbeRate(probes_per_s=50, connects_per_s=10)


@dataclass
class Coordinator:
    """The coordinator's end of a link. While `open` is not set it answers nothing on standing connections."""

    port: int = 0
    count: int = 0
    open: asyncio.Event = field(default_factory=asyncio.Event)
    connections: list[ServerConnection] = field(default_factory=list)

    async def echo(self, connection: ServerConnection) -> None:
        self.connections.append(connection)
        try:
            async for message in connection:
                came_ns = time.monotonic_ns()
                await self.open.wait()
                assert isinstance(message, bytes)
                self.count += 1
                await connection.send(STAMP.pack(came_ns, self.count, zlib.crc32(message)) + message)
        except ConnectionClosed:
            pass

    def answer(self, connection: ServerConnection, request: Request) -> Response | None:
        if request.path != PROBE_PATH:
            return None
        response = connection.respond(200, "")
        response.body = bytes(range(PROBE_BYTES))
        del response.headers["Content-Length"]
        response.headers["Content-Length"] = str(PROBE_BYTES)
        return response


@dataclass
class Watched:
    """A prober that runs, and what it wrote."""

    coordinator: Coordinator
    lines: list[bytes]
    looks: Callable[[], int]
    """How often the prober has read its rate: at least once a turn of each of its loops."""

    def of(self, kind: type[Event]) -> list[Event]:
        decoder = msgspec.json.Decoder(events.ProberEvent)
        return [event for event in map(decoder.decode, self.lines) if isinstance(event, kind)]

    async def until(self, condition: Callable[[], object]) -> None:
        await eventually(condition, lambda: b"".join(self.lines[-5:]).decode(), 20)


@asynccontextmanager
async def watching(look: ProbeRate = CLOSE) -> AsyncIterator[Watched]:
    coordinator = Coordinator()
    lines: list[bytes] = []
    looks = 0

    def counted() -> ProbeRate:
        nonlocal looks
        looks += 1
        return look

    coordinator.open.set()
    async with serve(
        coordinator.echo,
        "127.0.0.1",
        0,
        process_request=coordinator.answer,
        compression=None,
        ping_interval=None,
    ) as server:
        coordinator.port = next(iter(server.sockets)).getsockname()[1]
        journal = Journal("prober", lines.append, time.monotonic_ns, time.time)
        prober = LinkProber(
            ProbedLink("worker-1", "127.0.0.1", coordinator.port), journal, counted, random.Random(1)
        )
        task = asyncio.create_task(prober.run())
        try:
            yield Watched(coordinator, lines, lambda: looks)
        finally:
            coordinator.open.set()
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def test_a_link_that_is_well_gives_round_trips_and_answers() -> None:
    async with watching() as watched:
        await watched.until(lambda: len(watched.of(events.LinkSeen)) >= 2)
        seen = watched.of(events.LinkSeen)[-1]
        assert isinstance(seen, events.LinkSeen)
        assert seen.heard > 5
        assert len(seen.rtt_us) == len(seen.rtt_at_ms) == seen.heard
        assert seen.damaged_bytes == seen.missing == seen.repeated == 0
        assert seen.out_bytes > 0
        assert {tried.outcome for tried in watched.of(events.Tried)} == {"answered"}  # type: ignore[attr-defined]
        assert len(watched.of(events.StreamOpened)) == 1


@pytest.mark.parametrize(
    "rate",
    [
        ProbeRate(),
        ProbeRate(probes_per_s=20),
        ProbeRate(connects_per_s=0),
        ProbeRate(probes_per_s=0, burst_bytes=8_192),
        ProbeRate(burst_bytes=8_192, burst_every_s=0.5),
    ],
    ids=str,
)
async def test_a_prober_takes_a_bounded_number_of_turns_whatever_its_rate(rate: ProbeRate) -> None:
    async with watching(rate) as watched:
        await watched.until(lambda: watched.of(events.StreamOpened))
        # Longer than the first download and the first connection are away.
        await asyncio.sleep(1.6)
        watched.coordinator.open.clear()
        first = watched.looks()
        await asyncio.sleep(1.0)
        # 8 a second for each loop and 4 for each message; one that does not sleep takes many thousands.
        assert watched.looks() - first < 400


async def test_a_permanent_connection_that_ends_is_reported_and_replaced() -> None:
    # No bytes are on their way when the server closes, else its kernel sends an RST.
    async with watching(ProbeRate(probes_per_s=0, connects_per_s=10)) as watched:
        await watched.until(lambda: watched.coordinator.connections and watched.of(events.StreamOpened))
        watched.coordinator.connections[0].transport.close()
        await watched.until(lambda: len(watched.of(events.StreamOpened)) == 2)
        (ended,) = watched.of(events.StreamEnded)
        assert isinstance(ended, events.StreamEnded)
        assert ended.how == "fin"


async def test_a_silence_is_reported_at_its_start_and_summarised_at_its_end() -> None:
    async with watching(ProbeRate(probes_per_s=20, connects_per_s=0)) as watched:
        await watched.until(lambda: watched.of(events.LinkSeen))
        watched.coordinator.open.clear()
        await watched.until(lambda: watched.of(events.FellSilent))
        watched.coordinator.open.set()
        await watched.until(lambda: watched.of(events.HeardAgain))
        (again,) = watched.of(events.HeardAgain)
        assert isinstance(again, events.HeardAgain)
        assert again.whole
        assert again.held > 5
        assert watched.of(events.StreamEnded) == []


async def test_a_connection_that_stays_silent_while_new_ones_are_answered_is_given_up() -> None:
    async with watching() as watched:
        await watched.until(lambda: watched.of(events.LinkSeen))
        watched.coordinator.open.clear()
        await watched.until(lambda: watched.of(events.StreamEnded))
        ended = watched.of(events.StreamEnded)[0]
        assert isinstance(ended, events.StreamEnded)
        assert ended.how == "given_up"


async def test_a_silent_connection_is_kept_while_the_rate_is_patient() -> None:
    look = ProbeRate(probes_per_s=50, connects_per_s=10, patient=True)
    async with watching(look) as watched:
        await watched.until(lambda: watched.of(events.LinkSeen))
        watched.coordinator.open.clear()
        await watched.until(lambda: watched.of(events.FellSilent))
        answers = len(watched.of(events.Tried))
        await watched.until(lambda: len(watched.of(events.Tried)) > answers + 10)
        assert watched.of(events.StreamEnded) == []
        watched.coordinator.connections[0].transport.abort()
        await watched.until(lambda: watched.of(events.StreamEnded))


async def test_each_standing_connection_has_a_name_of_its_own() -> None:
    # No bytes are on their way when the server closes, else its kernel sends an RST.
    async with watching(ProbeRate(probes_per_s=0, connects_per_s=10)) as watched:
        await watched.until(lambda: watched.coordinator.connections and watched.of(events.StreamOpened))
        watched.coordinator.connections[0].transport.close()
        await watched.until(lambda: len(watched.of(events.StreamOpened)) == 2)
        names = [one.stream for one in watched.of(events.StreamOpened)]  # type: ignore[attr-defined]
        requests = [one.request for one in watched.coordinator.connections]
        assert [one.headers[STREAM_HEADER] for one in requests if one is not None] == names
        assert len(set(names)) == 2


async def test_what_is_looked_at_closely_is_compared_and_measured() -> None:
    async with watching(
        ProbeRate(volume_bytes_per_s=20_000, burst_bytes=300_000, burst_every_s=0.5)
    ) as watched:
        await watched.until(
            lambda: any(seen.rates_bytes_per_s for seen in watched.of(events.LinkSeen))  # type: ignore[attr-defined]
        )
        assert sum(seen.compared_bytes for seen in watched.of(events.LinkSeen)) > 20_000  # type: ignore[attr-defined]
