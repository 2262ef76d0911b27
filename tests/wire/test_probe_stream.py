"""The far end's record of a prober's connection, at the coordinator and at the prober's own far end."""

from __future__ import annotations

import asyncio
import socket
import struct
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest

from chaos.prober.connections import EchoConnection, open_echo
from chaos.prober.far_end import FarEnd
from chaos.prober.settings import ProbedLink
from tests.coordinator.live_coordinator import coordinator
from tests.waiting import eventually
from wire.events import Journal, ProbeStreamEnded
from wire.probe_stream import ProbeStream, end_kind, stream_named

NAME = "0123456789abcdef"


@dataclass
class Far:
    """A far end: where it listens, and the records that it wrote."""

    at: ProbedLink
    records: Callable[[], list[dict[str, Any]]]


@asynccontextmanager
async def of_coordinator(folder: Path) -> AsyncIterator[Far]:
    async with coordinator(folder) as running:
        yield Far(ProbedLink("a", "127.0.0.1", running.port), lambda: running.events_of("probe_stream_ended"))


@asynccontextmanager
async def of_prober(_: Path) -> AsyncIterator[Far]:
    lines: list[bytes] = []
    server = await FarEnd(Journal("prober", lines.append, time.monotonic_ns, time.time)).listen(
        "127.0.0.1", 0
    )
    port = next(iter(server.sockets)).getsockname()[1]
    yield Far(ProbedLink("a", "127.0.0.1", port), lambda: [msgspec.json.decode(line) for line in lines])
    server.close()


FAR_ENDS = pytest.mark.parametrize("far_end", [of_coordinator, of_prober])


def fin(connection: EchoConnection) -> None:
    assert connection.transport is not None
    connection.transport.write_eof()


def rst(connection: EchoConnection) -> None:
    assert connection.transport is not None
    tcp: socket.socket = connection.transport.get_extra_info("socket")
    tcp.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.transport.abort()


def close_frame(connection: EchoConnection) -> None:
    assert connection.transport is not None
    connection.transport.write(struct.pack(">BBIH", 0x88, 0x82, 0, 1000))


@FAR_ENDS
@pytest.mark.parametrize(("end", "how"), [(fin, "fin"), (rst, "rst"), (close_frame, "closed")])
async def test_a_far_end_records_how_a_connection_ended_and_when_its_last_message_came(
    far_end: Callable[[Path], Any], end: Callable[[EchoConnection], None], how: str, tmp_path: Path
) -> None:
    async with far_end(tmp_path) as far:
        attempt, connection = await open_echo(far.at)
        assert connection is not None, attempt
        before_ns = time.monotonic_ns()
        for _ in range(3):
            connection.send_message(b"12345678")
        await eventually(
            lambda: len([one for one in connection.messages if one.data]) == 3, lambda: "three echoes", 20
        )
        after_ns = time.monotonic_ns()
        end(connection)
        (record,) = await eventually(far.records, lambda: "a record", 20)
        assert record["stream"] == connection.name
        assert (record["how"], record["messages"]) == (how, 3)
        assert before_ns < record["last_message_ns"] < after_ns < record["at_ns"]
        connection.abort()


@FAR_ENDS
async def test_a_connection_that_stays_open_has_no_record(
    far_end: Callable[[Path], Any], tmp_path: Path
) -> None:
    async with far_end(tmp_path) as far:
        (_, first), (_, second) = await open_echo(far.at), await open_echo(far.at)
        assert first is not None
        assert second is not None
        fin(second)
        await eventually(far.records, lambda: "a record", 20)
        assert [one["stream"] for one in far.records()] == [second.name]
        first.abort()
        await eventually(lambda: len(far.records()) == 2, lambda: "the other record", 20)


async def test_a_connection_that_the_far_end_itself_drops_is_closed_and_not_by_the_link(
    tmp_path: Path,
) -> None:
    lines: list[bytes] = []
    server = await FarEnd(Journal("prober", lines.append, time.monotonic_ns, time.time), most=1).listen(
        "127.0.0.1", 0
    )
    at = ProbedLink("a", "127.0.0.1", next(iter(server.sockets)).getsockname()[1])
    _, first = await open_echo(at)
    _, second = await open_echo(at)
    assert first is not None
    assert second is not None
    await eventually(lambda: lines, lambda: "a record", 20)
    (record,) = [msgspec.json.decode(line, type=ProbeStreamEnded) for line in lines]
    assert (record.stream, record.how) == (first.name, "closed")
    first.abort()
    second.abort()
    server.close()
    await asyncio.sleep(0)


@pytest.mark.parametrize(
    "values", [(), ("",), (NAME[:-1],), (NAME + "0",), (NAME.upper(),), (NAME + "\n",), (NAME, NAME)]
)
def test_a_connection_without_a_valid_name_gets_no_line(values: tuple[str, ...]) -> None:
    lines: list[bytes] = []
    stream = stream_named(values)
    assert stream.name == ""
    stream.write_end(Journal("coordinator", lines.append, lambda: 1, lambda: 1.0), "fin")
    assert lines == []
    assert stream_named([NAME]) == ProbeStream(NAME)


@pytest.mark.parametrize(
    ("was_closed", "cause", "how"),
    [
        (False, None, "fin"),
        (False, ConnectionResetError(), "rst"),
        (False, BrokenPipeError(), "rst"),
        (True, None, "closed"),
        (True, ConnectionResetError(), "closed"),
    ],
)
def test_an_end_is_named_by_what_the_socket_showed(
    was_closed: bool, cause: BaseException | None, how: str
) -> None:
    assert end_kind(was_closed=was_closed, cause=cause) == how
