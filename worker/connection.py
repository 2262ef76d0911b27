"""One WebSocket connection: dialled, read, ended. What `websockets` raises becomes our words here and nowhere
else.
"""

from __future__ import annotations

import errno
import socket
from typing import Any, cast

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, WebSocketException
from websockets.protocol import State

from wire.codec import Limits
from wire.handshake import (
    HELLO_HEADER,
    REFUSAL_HEADER,
    WELCOME_HEADER,
    HandshakeError,
    Hello,
    Refusal,
    Welcome,
    read_refusal,
    read_welcome,
    write_hello,
)  # fmt: skip
from wire.refusals import FrameError, FrameFault
from worker.losses import Failure
from worker.traffic import Moved

CLOSE_TIMEOUT_S = 1.0
_FAULT_BY_CODE = {1002: FrameFault.framing, 1007: FrameFault.text, 1009: FrameFault.too_large}


class Link(ClientConnection):
    """A connection that ends as soon as its framing is broken, and does not wait for the other side to
    agree. `moved` counts its bytes.
    """

    def __init__(self, moved: Moved, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self._moved = moved

    def send_data(self) -> None:
        """Write out what the protocol has to say, and count it."""
        self._moved.sent_bytes += sum(map(len, self.protocol.writes))
        super().send_data()

    def data_received(self, data: bytes) -> None:
        self._moved.received_bytes += len(data)
        super().data_received(data)
        if self.protocol.parser_exc is not None:
            self.transport.close()

    def can_send(self) -> bool:
        """Whether messages may still leave. Where not, the reader is told why."""
        return self.state is State.OPEN and not self.transport.is_closing()

    def send_now(self, data: bytes) -> None:
        """Send a binary message without waiting for room: it is for the caller to look at `paused` before."""
        self.protocol.send_binary(data)
        self.send_data()

    @property
    def was_reset(self) -> bool:
        """Whether it ended by a reset (RST) and not by a FIN."""
        return isinstance(self.connection_exc, (ConnectionResetError, BrokenPipeError))


class DialError(Exception):
    """Dialling led to no session."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(f"{failure.kind}: {failure.detail}")
        self.failure = failure


async def dial(url: str, hello: Hello, fleet_key: bytes, moved: Moved) -> tuple[Link, Welcome]:
    """A connection whose welcome is genuine. Raises DialError. The time limit is the caller's."""
    made: list[Link] = []

    def make(*args: Any, **named: Any) -> Link:
        made.append(Link(moved, *args, **named))
        return made[-1]

    try:
        await connect(
            url,
            additional_headers={HELLO_HEADER: write_hello(hello, fleet_key)},
            user_agent_header=None,
            compression=None,
            proxy=None,
            open_timeout=None,
            ping_interval=None,
            close_timeout=CLOSE_TIMEOUT_S,
            max_size=Limits().frame_bytes,
            create_connection=cast(type[ClientConnection], make),
        )
        return made[-1], _welcome(made[-1], fleet_key, hello)
    except HandshakeError as error:
        made[-1].transport.abort()
        raise DialError(Failure("handshake", error.detail)) from None
    except InvalidStatus as error:
        raise DialError(_refused(error)) from None
    except (OSError, WebSocketException, EOFError) as error:
        raise DialError(_failure(error, made[-1] if made else None)) from None


def end_of(link: Link, closed: ConnectionClosed) -> FrameError | tuple[str, str, int]:
    """Why a connection ended: a frame that was damaged as the WebSocket protocol sees it, or (kind, detail,
    code).
    """
    sent, received = closed.sent, closed.rcvd
    if sent is not None and not closed.rcvd_then_sent and sent.code in _FAULT_BY_CODE:
        return FrameError(_FAULT_BY_CODE[sent.code], sent.reason or "not a WebSocket frame")
    if received is not None:
        return "closed", f"close frame {received.code} {received.reason}".rstrip(), received.code
    if link.was_reset:
        return "reset", "connection reset", 0
    broken = f" ({link.connection_exc})" if link.connection_exc is not None else ""
    return "closed", f"the connection ended without a close frame{broken}", 0


def _welcome(link: Link, fleet_key: bytes, hello: Hello) -> Welcome:
    assert link.response is not None
    return read_welcome(" ".join(link.response.headers.get_all(WELCOME_HEADER)), fleet_key, hello)


def _refused(error: InvalidStatus) -> Failure:
    status = error.response.status_code
    refusal: Refusal | None = None
    for value in error.response.headers.get_all(REFUSAL_HEADER):
        try:
            refusal = read_refusal(value)
        except HandshakeError:
            # Damaged on the way: the status stands alone, and nothing terminal is concluded from it.
            refusal = None
    detail = f"{refusal.reason}: {refusal.detail}" if refusal is not None else f"HTTP {status}"
    return Failure("status", detail, status, refusal)


def _failure(error: Exception, link: Link | None) -> Failure:
    detail = str(error) or type(error).__name__
    if link is not None and link.was_reset:
        return Failure("reset", "connection reset during the handshake")
    if isinstance(error, InvalidHandshake | EOFError):
        return Failure("handshake", f"{detail} ({error.__cause__})" if error.__cause__ else detail)
    if isinstance(error, socket.gaierror):
        return Failure("dns", detail)
    if isinstance(error, TimeoutError):
        return Failure("timeout", detail)
    # Several addresses that all refuse come as one OSError without a number.
    if isinstance(error, ConnectionRefusedError) or f"[Errno {errno.ECONNREFUSED}]" in detail:
        return Failure("refused", detail)
    if isinstance(error, ConnectionResetError):
        return Failure("reset", detail)
    return Failure("other", detail)
