"""What the prober distinguishes on a real socket: answers, refusals, and each kind of close."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response

from chaos.prober import connections
from chaos.prober.settings import ProbedLink

PATTERN = bytes(range(16))
Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def server(handler: Handler) -> AsyncIterator[int]:
    async with await asyncio.start_server(handler, "127.0.0.1", 0) as listening:
        yield listening.sockets[0].getsockname()[1]


def at(port: int, preamble: str = "") -> ProbedLink:
    return ProbedLink("l", "127.0.0.1", port, preamble)


def reset(writer: asyncio.StreamWriter) -> None:
    """End a connection with RST."""
    raw: socket.socket = writer.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


def answers(text: bytes) -> Handler:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(text)
        writer.close()

    return handler


async def resets(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    reset(writer)


async def hangs(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()
    writer.close()


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 16\r\n\r\n"


@pytest.mark.parametrize(
    ("handler", "outcome", "status", "retry_after_s"),
    [
        (answers(OK + PATTERN), "answered", 200, -1),
        (answers(OK + bytes(16)), "damaged", 200, -1),
        (answers(OK + PATTERN[:7]), "closed", 200, -1),
        (answers(b"\x00\x01rubbish\r\n\r\n"), "damaged", 0, -1),
        (answers(b""), "closed", 0, -1),
        (answers(b"HTTP/1.1 503 No\r\nContent-Length: 0\r\nRetry-After: 2\r\n\r\n"), "rejected", 503, 2),
        (answers(b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n"), "rejected", 503, -1),
        (answers(b"HTTP/1.1 503 No\r\nRetry-After: " + b"9" * 5_000 + b"\r\n\r\n"), "rejected", 503, -1),
        (resets, "reset", 0, -1),
    ],
)
async def test_a_new_connection_is_classified_by_its_outcome(
    handler: Handler, outcome: str, status: int, retry_after_s: int
) -> None:
    async with server(handler) as port:
        tryout = await connections.probe_http(at(port))
    assert (tryout.outcome, tryout.status, tryout.retry_after_s) == (outcome, status, retry_after_s)


async def test_a_connection_that_is_never_answered_hung() -> None:
    async with server(hangs) as port:
        assert (await connections.probe_http(at(port), timeout_s=0.2)).outcome == "hung"
        assert (await connections.open_echo(at(port), timeout_s=0.2))[0].outcome == "hung"


def test_a_length_of_more_digits_than_any_response_has_is_none() -> None:
    answer = connections.HttpConnection()
    answer.on_data(b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 5_000 + b"\r\n\r\n")
    assert answer.done.is_set()


async def test_an_attempt_that_is_cancelled_leaves_no_connection_open() -> None:
    connected, ended = asyncio.Event(), asyncio.Event()

    async def waits(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connected.set()
        with suppress(ConnectionError):
            await reader.read()
        ended.set()
        writer.close()

    async with server(waits) as port:
        attempt = asyncio.create_task(connections.open_echo(at(port)))
        await asyncio.wait_for(connected.wait(), 5)
        attempt.cancel()
        with suppress(asyncio.CancelledError):
            await attempt
        await asyncio.wait_for(ended.wait(), 2)


async def test_a_port_without_a_listener_refuses() -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        port = bound.getsockname()[1]
    assert (await connections.probe_http(at(port))).outcome == "refused"
    tryout, echoer = await connections.open_echo(at(port))
    assert (tryout.outcome, echoer) == ("refused", None)


@asynccontextmanager
async def echo_server() -> AsyncIterator[tuple[int, list[ServerConnection]]]:
    connections: list[ServerConnection] = []

    async def echo(connection: ServerConnection) -> None:
        connections.append(connection)
        async for message in connection:
            await connection.send(message)

    async with serve(echo, "127.0.0.1", 0, compression=None, ping_interval=None) as listening:
        yield listening.sockets[0].getsockname()[1], connections


async def open_echo(port: int) -> connections.EchoConnection:
    tryout, echoer = await connections.open_echo(at(port))
    assert tryout.outcome == "answered"
    assert echoer is not None
    return echoer


async def test_what_is_sent_over_the_live_connection_comes_back() -> None:
    async with echo_server() as (port, _):
        echoer = await open_echo(port)
        echoer.send_message(b"12345678")
        await asyncio.wait_for(echoer.wake.wait(), 5)
        assert [(arrival.data, arrival.wire_bytes) for arrival in echoer.messages] == [(b"12345678", 10)]
        echoer.abort()


@pytest.mark.parametrize(
    ("written", "how"),
    [
        (b"", "fin"),
        (b"\x82\x08" + b"1234", "torn"),
        (b"\x82\x08" + b"12345678", "fin"),
        (b"\xff\xff\xff", "protocol"),
    ],
)
async def test_the_permanent_connection_reports_how_it_ended(written: bytes, how: str) -> None:
    async with echo_server() as (port, connections):
        echoer = await open_echo(port)
        transport = connections[0].transport
        transport.write(written)
        transport.close()
        await asyncio.wait_for(echoer.ended.wait(), 5)
        assert echoer.how == how


async def test_the_permanent_connection_reports_a_reset() -> None:
    async with echo_server() as (port, connections):
        echoer = await open_echo(port)
        raw = connections[0].transport.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connections[0].transport.abort()
        await asyncio.wait_for(echoer.ended.wait(), 5)
        assert echoer.how == "rst"


async def test_an_upgrade_that_is_answered_with_an_error_is_rejected() -> None:
    def reject(connection: ServerConnection, request: Request) -> Response:
        response = connection.respond(503, "not now")
        response.headers["Retry-After"] = "7"
        return response

    async def never(connection: ServerConnection) -> None:
        raise AssertionError("the upgrade was rejected")

    async with serve(never, "127.0.0.1", 0, process_request=reject) as listening:
        tryout, echoer = await connections.open_echo(at(listening.sockets[0].getsockname()[1]))
    assert (tryout.outcome, tryout.status, tryout.retry_after_s, echoer) == ("rejected", 503, 7, None)


def joins(then: Handler, answer: bytes = b"OK\n") -> Handler:
    """A door: it reads the first line, answers, and then is the link."""

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert await reader.readuntil(b"\n") == b"STORMLAB PROBE a->b:1@10.0.0.1\n"
        for one in answer:
            writer.write(bytes([one]))
            await asyncio.sleep(0.01)
        await then(reader, writer)

    return handler


async def resets_at_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    reset(writer)


async def ends_at_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


@pytest.mark.parametrize(
    ("door", "outcome"),
    [
        (joins(answers(OK + PATTERN)), "answered"),
        (joins(resets), "reset"),
        (joins(resets_at_once, answer=b""), "refused"),
        (joins(ends_at_once, answer=b""), "closed"),
        (joins(hangs, answer=b"O"), "hung"),
        (joins(hangs, answer=b"NO"), "closed"),
    ],
)
async def test_a_link_with_a_preamble_refuses_by_a_reset_before_its_answer(
    door: Handler, outcome: str
) -> None:
    async with server(door) as port:
        link = at(port, "STORMLAB PROBE a->b:1@10.0.0.1")
        assert (await connections.probe_http(link, timeout_s=0.3)).outcome == outcome


async def test_the_answer_to_a_preamble_is_no_part_of_the_links_bytes() -> None:
    async with server(joins(answers(OK + PATTERN))) as port:
        attempt = await connections.probe_http(at(port, "STORMLAB PROBE a->b:1@10.0.0.1"))
    async with server(answers(OK + PATTERN)) as port:
        plain = await connections.probe_http(at(port))
    assert (attempt.in_bytes, attempt.out_bytes) == (plain.in_bytes, plain.out_bytes)


async def test_an_upgrade_after_a_preamble_is_refused_as_a_request_is() -> None:
    async with server(joins(resets_at_once, answer=b"")) as port:
        attempt, echo = await connections.open_echo(at(port, "STORMLAB PROBE a->b:1@10.0.0.1"))
    assert (attempt.outcome, echo) == ("refused", None)
