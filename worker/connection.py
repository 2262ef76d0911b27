"""One WebSocket connection of a worker; the only place where exceptions of `websockets` become our types."""

from __future__ import annotations

import errno
import socket
from typing import Any, cast

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, WebSocketException
from websockets.protocol import State

from wire.codec import FrameLimits
from wire.errors import FrameError, FrameFault
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
from worker.session import ConnectFailure
from worker.traffic import SocketBytes

CLOSE_TIMEOUT_S = 1.0
_FAULT_BY_CODE = {1002: FrameFault.framing, 1007: FrameFault.text, 1009: FrameFault.too_large}


class CoordinatorConnection(ClientConnection):
    """A connection that closes as soon as its framing is broken, without waiting for the other side's close
    frame. `moved` counts its bytes.
    """

    def __init__(self, moved: SocketBytes, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self._moved = moved

    def send_data(self) -> None:
        """Write the protocol's pending bytes, and count them."""
        self._moved.sent_bytes += sum(map(len, self.protocol.writes))
        super().send_data()

    def data_received(self, data: bytes) -> None:
        self._moved.received_bytes += len(data)
        super().data_received(data)
        if self.protocol.parser_exc is not None:
            self.transport.close()

    def can_send(self) -> bool:
        """Return whether messages can be sent. Where not, the reader raises the reason."""
        return self.state is State.OPEN and not self.transport.is_closing()

    def send_now(self, data: bytes) -> None:
        """Send a binary message without waiting for room; the caller checks `paused` before."""
        self.protocol.send_binary(data)
        self.send_data()

    @property
    def was_reset(self) -> bool:
        """Whether the connection ended by a reset (RST) and not by a FIN."""
        return isinstance(self.connection_exc, (ConnectionResetError, BrokenPipeError))


class DialError(Exception):
    """Dialling led to no session; `failure` says why."""

    def __init__(self, failure: ConnectFailure) -> None:
        super().__init__(f"{failure.kind}: {failure.detail}")
        self.failure = failure


async def dial(
    url: str, hello: Hello, fleet_key: bytes, moved: SocketBytes
) -> tuple[CoordinatorConnection, Welcome]:
    """Dial, and verify the welcome. Raises DialError. The caller sets the time limit.

    Args:
        url: the worker's own link.
        moved: counters of the connection's bytes.
    """
    connections: list[CoordinatorConnection] = []

    def create(*args: Any, **named: Any) -> CoordinatorConnection:
        connections.append(CoordinatorConnection(moved, *args, **named))
        return connections[-1]

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
            max_size=FrameLimits().frame_bytes,
            create_connection=cast(type[ClientConnection], create),
        )
        return connections[-1], _welcome(connections[-1], fleet_key, hello)
    except HandshakeError as error:
        connections[-1].transport.abort()
        raise DialError(ConnectFailure("handshake", error.detail)) from None
    except InvalidStatus as error:
        raise DialError(_refusal_of(error)) from None
    except (OSError, WebSocketException, EOFError) as error:
        raise DialError(_failure_of(error, connections[-1] if connections else None)) from None


def end_of_connection(
    connection: CoordinatorConnection, closed: ConnectionClosed
) -> FrameError | tuple[str, str, int]:
    """Return why a connection ended: the FrameError of a frame that breaks the WebSocket protocol (RFC 6455,
    7.4.1: 1002, 1007, 1009), or the kind (`closed`, `reset`), a detail and the close frame's code (0 without
    one).
    """
    sent, received = closed.sent, closed.rcvd
    if sent is not None and not closed.rcvd_then_sent and sent.code in _FAULT_BY_CODE:
        return FrameError(_FAULT_BY_CODE[sent.code], sent.reason or "not a WebSocket frame")
    if received is not None:
        return "closed", f"close frame {received.code} {received.reason}".rstrip(), received.code
    if connection.was_reset:
        return "reset", "connection reset", 0
    broken = f" ({connection.connection_exc})" if connection.connection_exc is not None else ""
    return "closed", f"the connection ended without a close frame{broken}", 0


def _welcome(connection: CoordinatorConnection, fleet_key: bytes, hello: Hello) -> Welcome:
    assert connection.response is not None
    return read_welcome(" ".join(connection.response.headers.get_all(WELCOME_HEADER)), fleet_key, hello)


def _refusal_of(error: InvalidStatus) -> ConnectFailure:
    status = error.response.status_code
    refusal: Refusal | None = None
    for value in error.response.headers.get_all(REFUSAL_HEADER):
        try:
            refusal = read_refusal(value)
        except HandshakeError:
            # Damaged in transit: only the status counts, and it is not terminal.
            refusal = None
    detail = f"{refusal.reason}: {refusal.detail}" if refusal is not None else f"HTTP {status}"
    return ConnectFailure("status", detail, status, refusal)


def _failure_of(error: Exception, connection: CoordinatorConnection | None) -> ConnectFailure:
    detail = str(error) or type(error).__name__
    if connection is not None and connection.was_reset:
        return ConnectFailure("reset", "connection reset during the handshake")
    if isinstance(error, InvalidHandshake | EOFError):
        return ConnectFailure("handshake", f"{detail} ({error.__cause__})" if error.__cause__ else detail)
    if isinstance(error, socket.gaierror):
        return ConnectFailure("dns", detail)
    if isinstance(error, TimeoutError):
        return ConnectFailure("timeout", detail)
    # Several addresses that all refuse are one OSError without an errno.
    if isinstance(error, ConnectionRefusedError) or f"[Errno {errno.ECONNREFUSED}]" in detail:
        return ConnectFailure("refused", detail)
    if isinstance(error, ConnectionResetError):
        return ConnectFailure("reset", detail)
    return ConnectFailure("other", detail)
