"""An enemy on a bare socket: what a client library would cost beside the coordinator is left out, so that
many more inputs fit into a minute.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import struct
import time

import msgspec

from tests.fuzz.frames import ANSWER_S, Forger
from tests.fuzz.upgrades import request
from wire.codec import session_keys
from wire.handshake import WELCOME_HEADER, Hello, Resume, Welcome, read_welcome, write_hello
from wire.messages import Envelope, Frame, Message

TEXT, BINARY, CLOSE = 1, 2, 8
_SMALL, _MIDDLE = 126, 1 << 16
_NO_MASK = bytes(4)


def websocket_frame(data: bytes | str) -> bytes:
    """One message as a client sends it; the mask is zero, which changes nothing in the bytes behind it."""
    code, body = (TEXT, data.encode()) if isinstance(data, str) else (BINARY, data)
    size = len(body)
    if size < _SMALL:
        head = struct.pack(">BB", 0x80 | code, 0x80 | size)
    elif size < _MIDDLE:
        head = struct.pack(">BBH", 0x80 | code, 0x80 | 126, size)
    else:
        head = struct.pack(">BBQ", 0x80 | code, 0x80 | 127, size)
    return head + _NO_MASK + body


class RawClient:
    """Has the fleet's key and a name of its own. Takes no tasks: it would only keep them from others."""

    def __init__(self, name: str, port: int, key: bytes) -> None:
        self.name = name
        self.forger = Forger(b"")
        self._port = port
        self._key = key
        self._incarnation = os.urandom(8).hex()
        self._session: Resume | None = None
        self._reader: asyncio.StreamReader
        self._writer: asyncio.StreamWriter

    async def connect(self, resume: bool, wanted: str = "") -> Welcome:
        """A new connection, of the session that it had, or of one that it wants, or of a new one."""
        asked = Resume(wanted, 1, 0) if wanted else self._session if resume else None
        hello = Hello(1, self.name, self._incarnation, os.urandom(16), time.time(), 0, 0, True, asked)
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        self._writer.write(request(write_hello(hello, self._key)))
        async with asyncio.timeout(ANSWER_S):
            head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        assert head.startswith("HTTP/1.1 101"), head[:300]
        lines = (line.partition(": ") for line in head.split("\r\n"))
        headers = {name.lower(): value for name, _, value in lines}
        welcome = read_welcome(headers[WELCOME_HEADER.lower()], self._key, hello)
        keys = session_keys(self._key, welcome.session, welcome.epoch, hello.nonce + welcome.nonce)
        # What was said last may not be acknowledged yet: said again, it would be taken for a repetition.
        said = self.forger.said if welcome.outcome == "resumed" else 0
        self.forger = Forger(keys.to_coordinator, said=said)
        self._session = Resume(welcome.session, welcome.epoch, 0)
        return welcome

    def say(self, message: Message, *, numbered: bool) -> bytes:
        """A frame with one message, and nothing wrong with it but what it claims."""
        forger = self.forger
        envelope = Envelope(forger.said + 1 if numbered else 0, message)
        data = forger.sealed(msgspec.msgpack.encode(Frame(0, 512, [envelope])))
        forger.sent += 1
        forger.said += numbered
        return websocket_frame(data)

    async def send(self, data: bytes) -> None:
        """All at once; an end that closed meanwhile is no error."""
        with contextlib.suppress(ConnectionError):
            self._writer.write(data)
            await self._writer.drain()

    async def closing(self) -> tuple[int, str]:
        """The code and reason with which the coordinator ends the connection; (1006, "") without a word."""
        code, reason = 1006, ""
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            async with asyncio.timeout(ANSWER_S):
                while True:
                    kind, body = await self._message()
                    if kind == CLOSE:
                        code, reason = int.from_bytes(body[:2], "big"), body[2:].decode()
                        break
        self._writer.transport.abort()
        return code, reason

    async def _message(self) -> tuple[int, bytes]:
        first, size = await self._reader.readexactly(2)
        if size == 126:
            size = int.from_bytes(await self._reader.readexactly(2), "big")
        elif size == 127:
            size = int.from_bytes(await self._reader.readexactly(8), "big")
        return first & 0x0F, await self._reader.readexactly(size)

    def leave(self) -> None:
        """Without a word."""
        self._writer.transport.abort()
