"""Input of one connection, and its effect on the others: limits, turns, and which connection makes room."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path
from typing import cast

import pytest
from websockets.asyncio.server import ServerConnection
from websockets.datastructures import Headers
from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import State
from websockets.server import ServerProtocol

from coordinator.echoes import FEWEST, QUIET_S, ProbeEchoes
from coordinator.half_open import HalfOpenConnections
from coordinator.partial_messages import PartialMessages
from coordinator.rate_limits import HANDSHAKE_BYTES, PROBE, WORKER, ConnectionBudget
from coordinator.token_bucket import NS, TokenBucket
from coordinator.transport import ClientTransport
from tests.coordinator.live_coordinator import LiveCoordinator, coordinator
from wire.address import MAX_WORKERS
from wire.channel import Bounds
from wire.probe import BYTES_MAX
from wire.probe_stream import ProbeStream

ECHO = (
    b"GET /v1/probe HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


def test_a_bucket_gives_its_burst_at_once_and_its_rate_in_the_long_run() -> None:
    bucket = TokenBucket(10, 5)
    assert [bucket.take(0) for _ in range(7)] == [True] * 5 + [False] * 2
    taken = sum(bucket.take(at_ms * 1_000_000) for at_ms in range(100_000))
    assert taken == pytest.approx(1_000, abs=2)


def test_an_idle_bucket_saves_no_more_than_its_burst() -> None:
    bucket = TokenBucket(10, 5)
    later_ns = 1_000 * NS
    assert sum(bucket.take(later_ns) for _ in range(100)) == 5


def test_a_few_pings_pass_and_more_are_named() -> None:
    inflow = ConnectionBudget(WORKER)
    said = [inflow.excess(0, Frame(Opcode.PING, b"")) for _ in range(WORKER.others + 1)]
    assert set(said[:-1]) == {""}
    assert "pings" in said[-1]


def test_fragments_count_as_what_they_are() -> None:
    inflow = ConnectionBudget(WORKER)
    assert inflow.excess(0, Frame(Opcode.BINARY, b"x", fin=False)) == ""
    said = [inflow.excess(0, Frame(Opcode.CONT, b"", fin=False)) for _ in range(WORKER.others)]
    assert "fragments" in said[-1]


def test_what_an_honest_worker_has_on_its_way_after_the_longest_pause_passes_at_once() -> None:
    inflow = ConnectionBudget(WORKER)
    honest = 4 * Bounds().window
    assert {inflow.excess(0, Frame(Opcode.BINARY, bytes(200))) for _ in range(honest)} == {""}


def test_bytes_are_bounded_beside_messages() -> None:
    inflow = ConnectionBudget(PROBE)
    large = Frame(Opcode.BINARY, bytes(BYTES_MAX))
    passed = next(count for count in range(10_000) if inflow.excess(0, large))
    assert passed == PROBE.bytes // BYTES_MAX


# -- making room -------------------------------------------


class _Silent:
    """A connection that sends nothing, or asked for an echo once."""

    def __init__(self) -> None:
        self.dropped = ""
        self.protocol = self
        self.max_message_size = 0
        self.on_lost: Callable[[], object] = bool

    def drop(self, why: str) -> None:
        self.dropped = why


def test_of_connections_that_say_nothing_the_oldest_makes_room() -> None:
    strangers, came = HalfOpenConnections(3), [_Silent() for _ in range(5)]
    for stranger in came:
        strangers.add(stranger)
    assert [stranger.dropped for stranger in came] == ["half_open", "half_open", "", "", ""]
    strangers.remove(came[2])
    strangers.add(_Silent())
    assert came[3].dropped == ""
    assert len(strangers) == 3


def _admit(echoes: ProbeEchoes, link: _Silent, now_s: float) -> bool:
    return echoes.admit(cast(ClientTransport, link), now_s)


def test_of_echoes_that_are_all_taken_the_quietest_makes_room_and_no_busy_one() -> None:
    echoes, links = ProbeEchoes(lambda stream, how: None), [_Silent() for _ in range(FEWEST)]
    assert all(_admit(echoes, link, float(place) / 100) for place, link in enumerate(links))
    assert not _admit(echoes, _Silent(), QUIET_S - 0.1)
    assert [link.dropped for link in links] == [""] * FEWEST
    assert _admit(echoes, _Silent(), QUIET_S + 0.005)
    assert [link.dropped for link in links[:2]] == ["quiet_probe", ""]
    assert len(echoes) == FEWEST


async def test_as_many_links_as_a_scenario_may_have_are_probed_at_the_same_time(tmp_path: Path) -> None:
    async with coordinator(tmp_path, fleet=MAX_WORKERS) as running:
        answers = [await _open(running, ECHO) for _ in range(MAX_WORKERS)]
        assert len(answers) == MAX_WORKERS
        for _, writer in answers:
            writer.transport.abort()


def test_an_echo_that_ends_leaves_its_place() -> None:
    echoes, link = ProbeEchoes(lambda stream, how: None), _Silent()
    _admit(echoes, link, 0.0)
    link.on_lost()
    assert len(echoes) == 0


class _Ended:
    """An echo connection with a name that has ended in order."""

    request = None
    probe_stream = ProbeStream("0123456789abcdef")

    def __aiter__(self) -> AsyncIterator[bytes]:
        async def nothing() -> AsyncIterator[bytes]:
            return
            yield b""

        return nothing()


async def test_a_flood_of_echoes_that_end_gets_no_more_records_than_echoes_may_be_open() -> None:
    records: list[str] = []
    echoes = ProbeEchoes(lambda stream, how: records.append(how))
    for _ in range(10 * FEWEST):
        await echoes.serve(cast(ClientTransport, _Ended()))
    assert FEWEST <= len(records) < 2 * FEWEST
    assert set(records) == {"closed"}


class _Holder:
    def __init__(self) -> None:
        self.given_up = False

    def give_up(self) -> None:
        self.given_up = True


def test_of_messages_that_do_not_end_the_one_that_was_begun_first_is_given_up() -> None:
    unfinished, holders = PartialMessages(100), [_Holder() for _ in range(4)]
    for holder in holders[:3]:
        unfinished.update(holder, 30)
    unfinished.update(holders[1], 40)
    assert [holder.given_up for holder in holders] == [False] * 4
    unfinished.update(holders[3], 10)
    assert [holder.given_up for holder in holders] == [True, False, False, False]
    assert unfinished.held_bytes == 80


def test_a_message_that_ends_holds_nothing_and_the_next_one_starts_at_zero() -> None:
    unfinished, first, second = PartialMessages(100), _Holder(), _Holder()
    unfinished.update(first, 60)
    unfinished.update(second, 30)
    unfinished.update(first, 0)
    unfinished.update(first, 90)
    assert (first.given_up, second.given_up) == (False, True)
    assert (len(unfinished), unfinished.held_bytes) == (1, 90)


# -- over a transport of our own ---------------------------


class _Wire(asyncio.Transport):
    """A transport that accepts all output and delivers the test's input."""

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass

    def write(self, data: object) -> None:
        pass

    def can_write_eof(self) -> bool:
        return False

    def is_closing(self) -> bool:
        return False

    def close(self) -> None:
        pass

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass


class _Server:
    """A server without a handler."""

    def __init__(self) -> None:
        self.handler_tasks: set[asyncio.Task[None]] = set()

    async def handler(self, connection: ServerConnection) -> None:
        pass


def _linked(unfinished: PartialMessages) -> ClientTransport:
    protocol = ServerProtocol(state=State.OPEN)
    link = ClientTransport(HalfOpenConnections(), unfinished, protocol, _Server(), ping_interval=None)
    link.connection_made(_Wire())
    link.request = Request("/v1/worker", Headers())
    link.admit(ConnectionBudget(WORKER))
    return link


async def test_messages_that_come_together_with_the_close_frame_behind_them_are_taken() -> None:
    link = _linked(PartialMessages())
    close = struct.pack(">BB", 0x88, 0x82) + bytes(4) + (1000).to_bytes(2, "big")
    link.data_received(_message(b"a" * 200) + _message(b"b" * 200) + close)
    async with asyncio.timeout(5):
        assert [await link.recv(), await link.recv()] == [b"a" * 200, b"b" * 200]


async def test_a_connection_that_ends_its_messages_is_not_the_one_that_began_first() -> None:
    unfinished = PartialMessages(1_000)
    busy, stuck = _linked(unfinished), _linked(unfinished)
    given_up: list[str] = []
    for name, link in (("busy", busy), ("stuck", stuck)):
        link.on_broken = lambda error, name=name: given_up.append(name)
    whole = _message(b"x" * 300)
    busy.data_received(whole[:200])
    stuck.data_received(whole[:200])
    busy.data_received(whole[200:] + whole[:200])
    assert (len(unfinished), given_up) == (2, [])
    _linked(unfinished).data_received(_message(b"y" * 900)[:700])
    assert given_up == ["stuck"]


# -- over sockets ------------------------------------------


async def _open(
    running: LiveCoordinator, request: bytes
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
    writer.write(request)
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 30)
    assert head.startswith(b"HTTP/1.1 101"), head
    return reader, writer


def _message(data: bytes) -> bytes:
    return struct.pack(">BBH", 0x82, 0xFE, len(data)) + bytes(4) + data


async def test_an_echo_answers_everything_of_a_burst_in_order(tmp_path: Path) -> None:
    async with coordinator(tmp_path) as running:
        reader, writer = await _open(running, ECHO)
        sent = [number.to_bytes(4, "big") * 100 for number in range(512)]
        writer.write(b"".join(map(_message, sent)))
        for data in sent:
            assert (await asyncio.wait_for(reader.readexactly(404), 30))[4:] == data
        writer.transport.abort()


async def test_an_upgrade_that_fails_takes_no_echo_for_good(tmp_path: Path) -> None:
    async with coordinator(tmp_path) as running:
        bad = ECHO.replace(b"Sec-WebSocket-Version: 13", b"Sec-WebSocket-Version: 7")
        for _ in range(FEWEST + 5):
            reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
            writer.write(bad)
            assert b" 101 " not in await asyncio.wait_for(reader.read(), 30)
            writer.transport.abort()
        _, writer = await _open(running, ECHO)
        writer.transport.abort()


async def test_a_request_without_end_is_cut_off_and_counted(tmp_path: Path) -> None:
    async with coordinator(tmp_path) as running:
        reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
        with suppress(ConnectionError):
            writer.write(b"GET /v1/worker HTTP/1.1\r\n" + b"X-A: b\r\n" * 100)
            writer.write(b"X-B: " + b"b" * HANDSHAKE_BYTES)
            assert await asyncio.wait_for(reader.read(), 30) == b""
        assert (await running.state())["counters"]["connections_dropped_headers"] == 1


async def test_a_message_larger_than_the_pattern_is_not_taken_in_whatever_its_fragments(
    tmp_path: Path,
) -> None:
    async with coordinator(tmp_path) as running:
        reader, writer = await _open(running, ECHO)
        piece = struct.pack(">BBH", 0x00, 0xFE, 60_000) + bytes(4) + bytes(60_000)
        writer.write(b"\x02" + piece[1:] + piece)
        answer = await asyncio.wait_for(reader.read(), 30)
        assert answer[:4] == b"\x88" + answer[1:2] + (1009).to_bytes(2, "big")
        writer.transport.abort()
