"""New connections over a link, by plain HTTP or as a WebSocket to the echo, and how each ends, as exactly as
a socket shows it.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from dataclasses import dataclass
from typing import cast

from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.http11 import Response
from websockets.protocol import State
from websockets.uri import WebSocketURI

from chaos.prober.echoes import EchoStamp, split_stamp
from chaos.prober.settings import ProbedLink
from wire.probe import BYTES_PATH, JOINED, PATTERN, STAMPED_PATH
from wire.probe_stream import STREAM_HEADER

TIMEOUT_S = 3.0
PROBE_BYTES = 16
PROBE_PATH = f"{BYTES_PATH}{PROBE_BYTES}"
MAX_MESSAGE_BYTES = 64 * 1024
# A client's frame has a masking key (RFC 6455, 5.3).
MASK_BYTES = 4
_REQUEST = f"GET {PROBE_PATH} HTTP/1.1\r\nHost: p\r\n\r\n".encode()
_EXPECTED = PATTERN[:PROBE_BYTES]
MAX_RESPONSE_BYTES = 8_192
MAX_DIGITS = 9
"""Of a number in a header."""


@dataclass(frozen=True)
class ConnectAttempt:
    """The outcome of an attempt, as in events.Tried; `out_bytes` and `in_bytes` are its traffic."""

    outcome: str
    took_ms: float
    status: int = 0
    retry_after_s: int = -1
    out_bytes: int = 0
    in_bytes: int = 0


@dataclass(frozen=True)
class Arrival:
    """One message that arrived: its time, data, frame size, and the far end's stamp. Without `data` it is a
    beat, which the far end sends unasked.
    """

    at_ns: int
    data: bytes
    wire_bytes: int
    stamp: EchoStamp | None = None


class RawConnection(asyncio.Protocol):
    """A raw connection. `how` is "" while it is open, then `fin` or `rst`. With a `preamble`, bytes of the
    link begin after the answer to it.
    """

    def __init__(self) -> None:
        self.how = ""
        self.ended = asyncio.Event()
        self.in_bytes = 0
        self.transport: asyncio.Transport | None = None
        self.preamble = ""
        self.is_joined = False
        self.decided = asyncio.Event()
        """Set when the link takes the connection, and at the end."""
        self._answer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Not every loop's transports derive from asyncio's own class.
        self.transport = cast(asyncio.Transport, transport)
        if self.preamble:
            self.transport.write(f"{self.preamble}\n".encode())
        else:
            self._join()

    def data_received(self, data: bytes) -> None:
        if not self.is_joined:
            data = self._after_answer(data)
        if data:
            self.in_bytes += len(data)
            self.on_data(data)

    def _after_answer(self, data: bytes) -> bytes:
        """Return the bytes of the link among those that arrived before it took the connection."""
        self._answer += data
        if self._answer.startswith(JOINED):
            self._join()
            return self._answer[len(JOINED) :]
        if not JOINED.startswith(self._answer):
            self._end("protocol")
            self.abort()
        return b""

    def _join(self) -> None:
        self.is_joined = True
        self.decided.set()
        self.on_join()

    def eof_received(self) -> bool:
        self._end("fin")
        return False

    def connection_lost(self, error: Exception | None) -> None:
        # After a FIN the kernel reports a reset as a broken pipe: the FIN came first.
        self._end("fin" if error is None or isinstance(error, BrokenPipeError) else "rst")

    def on_join(self) -> None:
        """Begin: the link takes the connection."""

    def on_data(self, data: bytes) -> None:
        """Handle bytes in their order."""

    def _end(self, how: str) -> None:
        if not self.how:
            self.how = how
            self.ended.set()
            self.decided.set()
            self.on_end()

    def on_end(self) -> None:
        """Handle the end of the connection; `how` is set."""

    def send(self, data: bytes) -> None:
        """Send bytes; no effect after the connection's end."""
        if self.transport is not None and not self.transport.is_closing():
            self.transport.write(data)

    def abort(self) -> None:
        """Abort the connection."""
        if self.transport is not None:
            self.transport.abort()


async def connect(connection: RawConnection, at: ProbedLink) -> None:
    """Connect, and wait until the link takes the connection or it ends.

    Raises OSError: ConnectionRefusedError also where a RST comes before the link takes it.
    """
    connection.preamble = at.preamble
    await asyncio.get_running_loop().create_connection(lambda: connection, at.host, at.port)
    await connection.decided.wait()
    if connection.how == "rst" and not connection.is_joined:
        raise ConnectionRefusedError


class HttpConnection(RawConnection):
    """Collects one HTTP response of at most `max_bytes`, and the times of its first and last bytes."""

    def __init__(self, max_bytes: int = MAX_RESPONSE_BYTES) -> None:
        super().__init__()
        self.data = bytearray()
        self.done = asyncio.Event()
        self.first_ns = self.first_bytes = self.last_ns = 0
        self._max_bytes = max_bytes
        self._whole_bytes = 0

    def on_data(self, data: bytes) -> None:
        self.data += data
        self.last_ns = time.monotonic_ns()
        if not self.first_ns:
            self.first_ns, self.first_bytes = self.last_ns, len(data)
        if not self._whole_bytes and b"\r\n\r\n" in self.data:
            head = bytes(self.data).partition(b"\r\n\r\n")[0]
            self._whole_bytes = len(head) + 4 + _length(head)
        if len(self.data) > self._max_bytes or 0 < self._whole_bytes <= len(self.data):
            self.done.set()

    def on_end(self) -> None:
        self.done.set()


async def probe_http(at: ProbedLink, timeout_s: float = TIMEOUT_S) -> ConnectAttempt:
    """Connect, request PROBE_BYTES, and compare the response with the expected bytes; "hung" after
    `timeout_s`.
    """
    began_ns = time.monotonic_ns()
    answer = HttpConnection()
    try:
        async with asyncio.timeout(timeout_s):
            await connect(answer, at)
            answer.send(_REQUEST)
            await answer.done.wait()
        outcome, status, retry_after_s = classify_response(bytes(answer.data), answer.how)
    except TimeoutError:
        outcome, status, retry_after_s = "hung", 0, -1
    except ConnectionRefusedError:
        outcome, status, retry_after_s = "refused", 0, -1
    except OSError:
        outcome, status, retry_after_s = "reset", 0, -1
    finally:
        answer.abort()
    took_ms = (time.monotonic_ns() - began_ns) / 1e6
    out_bytes = len(_REQUEST) if answer.is_joined else 0
    return ConnectAttempt(outcome, took_ms, status, retry_after_s, out_bytes, answer.in_bytes)


def classify_response(data: bytes, how: str) -> tuple[str, int, int]:
    """Return outcome, status, and Retry-After in seconds or -1, of one HTTP response."""
    head, _, body = data.partition(b"\r\n\r\n")
    line, *headers = head.split(b"\r\n")
    words = line.split()
    if len(words) < 2 or not words[0].startswith(b"HTTP/1.") or not words[1].isdigit():
        if data:
            return "damaged", 0, -1
        return ("reset" if how == "rst" else "closed"), 0, -1
    status = int(words[1])
    if status != 200:
        return "rejected", status, _retry_after(headers)
    if body[:PROBE_BYTES] != _EXPECTED:
        return ("damaged" if len(body) >= PROBE_BYTES else "closed"), status, -1
    return "answered", status, -1


def _retry_after(headers: list[bytes]) -> int:
    for header in headers:
        name, _, value = header.partition(b":")
        if name.strip().lower() == b"retry-after":
            return _number(value, -1)
    return -1


def _length(head: bytes) -> int:
    for header in head.split(b"\r\n")[1:]:
        name, _, value = header.partition(b":")
        if name.strip().lower() == b"content-length":
            return _number(value, 0)
    return 0


def _number(value: bytes | str, other: int) -> int:
    """Return a header's number of seconds or bytes; `other` for what is none, or has more digits."""
    digits = value.strip()
    return int(digits) if digits.isdigit() and len(digits) <= MAX_DIGITS and digits.isascii() else other


class EchoConnection(RawConnection):
    """The standing connection: a WebSocket whose far end echoes every message, with the protocol of
    `websockets` on a transport of our own.

    `name` is its own, at random. `messages` are those that arrived; `wake` is set at each arrival, and at the
    end.
    """

    def __init__(self, host: str, port: int) -> None:
        super().__init__()
        self.name = secrets.token_hex(8)
        uri = WebSocketURI(secure=False, host=host, port=port, path=STAMPED_PATH, query="")
        self._protocol = ClientProtocol(uri, max_size=MAX_MESSAGE_BYTES)
        self._framed = 0
        self._upgraded_at = 0
        self.out_bytes = 0
        self.opened = asyncio.Event()
        self.status = 0
        self.retry_after_s = -1
        self.detail = ""
        self.messages: list[Arrival] = []
        self.wake = asyncio.Event()

    def on_join(self) -> None:
        request = self._protocol.connect()
        request.headers[STREAM_HEADER] = self.name
        self._protocol.send_request(request)
        self._flush()

    def send_message(self, payload: bytes) -> None:
        """Send one binary message; no effect after the connection's end."""
        if self._protocol.state is State.OPEN and not self.how:
            self._protocol.send_binary(payload)
            self._flush()

    def on_data(self, data: bytes) -> None:
        now_ns = time.monotonic_ns()
        self._protocol.receive_data(data)
        for event in self._protocol.events_received():
            if isinstance(event, Response):
                self._on_response(event)
            elif isinstance(event, Frame):
                self._framed += wire_bytes(len(event.data))
                if event.opcode is Opcode.BINARY:
                    stamp, message = split_stamp(bytes(event.data))
                    self.messages.append(Arrival(now_ns, message, wire_bytes(len(event.data)), stamp))
                    self.wake.set()
        if self._protocol.parser_exc is not None and not self.how:
            self.detail = str(self._protocol.parser_exc)
            self._end("protocol")
        self._flush()

    def _on_response(self, response: Response) -> None:
        self.status = response.status_code
        if self._protocol.state is State.OPEN:
            # The bytes of the upgrade's response belong to no frame.
            self._upgraded_at = self.in_bytes - len(self._protocol.reader.buffer)
        else:
            value = response.headers.get("Retry-After", "")
            self.retry_after_s = _number(value, -1)
        self.opened.set()

    def on_end(self) -> None:
        if self.how == "fin" and self.in_bytes > self._upgraded_at + self._framed and self.is_upgraded:
            self.how = "torn"
        self.opened.set()
        self.wake.set()

    @property
    def is_upgraded(self) -> bool:
        """Whether the far end accepted the upgrade."""
        return self.status == 101

    def give_up(self) -> None:
        """Give the connection up: it is silent, and the link is not."""
        self._end("given_up")

    def _flush(self) -> None:
        for data in self._protocol.data_to_send():
            if data and self.transport is not None and not self.transport.is_closing():
                self.out_bytes += len(data)
                self.send(data)


def wire_bytes(payload_bytes: int) -> int:
    """Return the size of an unmasked frame with that payload (RFC 6455, 5.2)."""
    return payload_bytes + (2 if payload_bytes < 126 else 4 if payload_bytes < 1 << 16 else 10)


async def open_echo(
    at: ProbedLink, timeout_s: float = TIMEOUT_S
) -> tuple[ConnectAttempt, EchoConnection | None]:
    """Open a standing connection; returns the attempt, and the connection or None. "hung" after
    `timeout_s`.
    """
    began_ns = time.monotonic_ns()
    echo = EchoConnection(at.host, at.port)
    try:
        async with asyncio.timeout(timeout_s):
            await connect(echo, at)
            await echo.opened.wait()
        outcome = _upgrade_outcome(echo)
    except TimeoutError:
        outcome = "hung"
    except ConnectionRefusedError:
        outcome = "refused"
    except OSError:
        outcome = "reset"
    except asyncio.CancelledError:
        echo.abort()
        raise
    took_ms = (time.monotonic_ns() - began_ns) / 1e6
    attempt = ConnectAttempt(outcome, took_ms, echo.status, echo.retry_after_s, echo.out_bytes, echo.in_bytes)
    if outcome == "answered":
        return attempt, echo
    echo.abort()
    return attempt, None


def _upgrade_outcome(echo: EchoConnection) -> str:
    if echo.is_upgraded:
        return "answered"
    if echo.status:
        return "rejected"
    if echo.how == "protocol":
        return "damaged"
    return "reset" if echo.how == "rst" else "closed"
