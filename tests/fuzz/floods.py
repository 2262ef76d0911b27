"""Floods: endless streams of small frames. Each must end its connection, with a reason that names it, before
another connection loses a turn.
"""

from __future__ import annotations

import asyncio
import contextlib
import struct
from collections.abc import Callable

import aiohttp

from tests.fuzz.raw_client import BINARY, CLOSE, RawClient
from tests.fuzz.upgrades import UPGRADE
from tests.integration.processes import TOKEN
from wire.control import authorization

CONT, PING, PONG = 0, 9, 10
MANY = 60_000
POLICY_VIOLATION = 1008
ANSWER_S = 30.0


def frame(code: int, data: bytes = b"", *, last: bool = True) -> bytes:
    """A frame of a client with a mask of zeros."""
    assert len(data) < 126
    return struct.pack(">BB", (0x80 if last else 0) | code, 0x80 | len(data)) + bytes(4) + data


# What is sent, on a worker's connection and on the prober's echo alike.
FLOODS: dict[str, Callable[[], bytes]] = {
    "pings": lambda: frame(PING) * MANY,
    "pings with a payload": lambda: frame(PING, b"x" * 125) * (MANY // 10),
    "pongs": lambda: frame(PONG) * MANY,
    "empty fragments": lambda: frame(BINARY, last=False) + frame(CONT, last=False) * MANY,
    "fragments of one byte": lambda: frame(BINARY, last=False) + frame(CONT, b"x", last=False) * MANY,
    "pings between fragments": lambda: frame(BINARY, last=False) + frame(PING) * MANY,
}
PROBE = UPGRADE.replace("/v1/worker", "/v1/probe").encode() + b"\r\n"


async def flood_a_session(enemy: RawClient, name: str) -> None:
    """On a connection with the key. Raises AssertionError when it ends otherwise."""
    await enemy.connect(resume=False)
    await enemy.send(FLOODS[name]())
    code, reason = await enemy.closing()
    assert (code, reason.partition(":")[0]) == (POLICY_VIOLATION, "flood"), (name, code, reason)


async def flood_the_echo(port: int, name: str) -> None:
    """On a connection without a key."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    reason = b""
    with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
        writer.write(PROBE)
        async with asyncio.timeout(ANSWER_S):
            head = await reader.readuntil(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 101"):
                return  # All echoes are taken: others flood already.
            with contextlib.suppress(ConnectionError):
                writer.write(FLOODS[name]())
            while reason == b"":
                reason = await _close_reason(reader)
    writer.transport.abort()
    assert reason.startswith(b"\x03\xf0flood: "), (name, reason)


async def large_body(control_port: int, size_bytes: int) -> None:
    """Submit a body of `size_bytes`, with the token. Raises AssertionError when it is accepted."""
    body = b'{"tasks":[{"task_id":"' + b"t" * (size_bytes - 30)
    url = f"http://127.0.0.1:{control_port}/tasks"
    with contextlib.suppress(aiohttp.ClientError):  # The refusal may arrive during the send.
        async with aiohttp.ClientSession() as http:
            answer = await http.post(url, data=body, headers=authorization(TOKEN))
            assert answer.status in (400, 413, 503), await answer.text()


async def header_flood(port: int) -> None:
    """A request whose headers do not end."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    with contextlib.suppress(ConnectionError):
        writer.write(UPGRADE.encode() + b"X-A: " + b"b" * 4_000 + b"\r\n")
        writer.write(b"X-B: " + b"b" * 8_000 + b"\r\nX-C: " + b"b" * 8_000)
        async with asyncio.timeout(ANSWER_S):
            assert await reader.read() == b""
    writer.transport.abort()


async def _close_reason(reader: asyncio.StreamReader) -> bytes:
    """The body of the next frame if it closes the connection, else nothing."""
    first, size = await reader.readexactly(2)
    if size == 126:
        size = int.from_bytes(await reader.readexactly(2), "big")
    body = await reader.readexactly(size)
    return body if first & 0x0F == CLOSE else b""
