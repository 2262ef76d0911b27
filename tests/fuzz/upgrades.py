"""Bad upgrade requests over real sockets, each with the HTTP status that it must get."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import time
from collections.abc import Callable

import msgspec

from tests.fuzz import hostile
from wire.handshake import HELLO_HEADER, Hello, write_hello

ANSWER_S = 20.0
UPGRADE = (
    "GET /v1/worker HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
)


def request(*hellos: str) -> bytes:
    """An upgrade request with these hellos."""
    lines = "".join(f"{HELLO_HEADER}: {hello}\r\n" for hello in hellos)
    return (UPGRADE + lines + "\r\n").encode()


def fresh_hello(chance: random.Random, **changes: object) -> Hello:
    """A good hello of a worker that does not exist, but for `changes`."""
    hello = Hello(1, f"ghost-{chance.randrange(50)}", "life", os.urandom(16), time.time(), 1, 0, True)
    return msgspec.structs.replace(hello, **changes)


def requests(key: bytes) -> dict[str, tuple[str, Callable[[random.Random], bytes]]]:
    """Upgrade requests by name: the status that each must get ("" for none or any), and its bytes."""

    def written(chance: random.Random, **changes: object) -> str:
        return write_hello(fresh_hello(chance, **changes), key)

    def damaged(chance: random.Random) -> bytes:
        value = bytearray(written(chance).encode())
        value[chance.randrange(len(value))] ^= 1
        return request(value.decode("latin-1").translate(_PRINTABLE))

    return {
        "noise": ("", lambda chance: chance.randbytes(chance.randrange(1, 3_000))),
        "half a request": ("", lambda chance: UPGRADE.encode()[: chance.randrange(len(UPGRADE))]),
        "a line without end": ("", lambda chance: b"GET /" + b"a" * 20_000),
        "headers without end": ("", lambda chance: UPGRADE.encode() + b"X-A: b\r\n" * 1_000 + b"\r\n"),
        "another path": ("404", lambda chance: request().replace(b"/v1/worker", b"/v2/worker")),
        "no hello": ("400", lambda chance: request()),
        "two hellos": ("400", lambda chance: request(written(chance), written(chance))),
        "damage": ("400", damaged),
        "nonsense, signed": ("4", lambda chance: request(hostile.hello_of(key, _not_a_hello(chance)))),
        "another key": ("401", lambda chance: request(write_hello(fresh_hello(chance), bytes(32)))),
        "an old version": ("426", lambda chance: request(written(chance, version=0))),
        "another hour": ("425", lambda chance: request(written(chance, wall_s=time.time() - 3_600))),
        "no name": ("400", lambda chance: request(written(chance, worker=""))),
        "a hello without an upgrade": (
            "4",
            lambda chance: request(written(chance)).replace(b"Sec-WebSocket-Version: 13", b"X-Y: 1"),
        ),
    }  # fmt: skip


_PRINTABLE = dict.fromkeys((*range(33), 127), "A")


def _not_a_hello(chance: random.Random) -> bytes:
    """What was signed and cannot be read, whatever else it is."""
    return chance.choice((b"", b"\x91\x02", b"\x92\x01\xa1\xff", b"\x92\x01" + b"\x91" * 2_000 + b"\x90"))


async def bad_request(port: int, wanted: str, data: bytes) -> None:
    """Send `data` and read the answer; the connection must end within the time for it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    answer = b""
    with contextlib.suppress(ConnectionError):
        writer.write(data)
        if not wanted:
            writer.write_eof()
        async with asyncio.timeout(ANSWER_S):
            answer = await reader.read(65_536)
    writer.transport.abort()
    status = answer.split(b" ", 2)[1].decode() if answer.startswith(b"HTTP/1.1 ") else ""
    assert status != "101", answer[:80]
    assert status.startswith(wanted), (wanted, answer[:200], data[:200])


async def replayed_hello(port: int, key: bytes, chance: random.Random) -> None:
    """A hello that was good once."""
    value = write_hello(fresh_hello(chance), key)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request(value))
    async with asyncio.timeout(ANSWER_S):
        assert (await reader.readline()).startswith(b"HTTP/1.1 101")
    await bad_request(port, "409", request(value))
    writer.transport.abort()
