"""Handshake headers of the WebSocket upgrade. A reconnect takes two round trips: TCP, and this.

Each value is one HTTP header: base64url of (SHA-256 cut to 8 bytes · MAC or nothing · MessagePack). The
checksum separates damage on the way (retry) from a wrong key (a retry never succeeds).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from functools import lru_cache
from typing import Annotated, TypeVar

import msgspec

from wire.codec import PROTOCOL_VERSION
from wire.errors import DECODE_ERRORS, RefusalReason
from wire.keys import MAC_BYTES, derive, fingerprint, mac, macs_equal
from wire.limits import Label, Words
from wire.messages import Count

HELLO_HEADER = "X-Stormlab-Hello"
WELCOME_HEADER = "X-Stormlab-Welcome"
REFUSAL_HEADER = "X-Stormlab-Refusal"
NONCE_BYTES = 16
CLOCK_BOUND_S = 300.0
RETRY_MAX_MS = 24 * 3_600_000
"""The longest wait that a refusal asks for. A refusal is not signed, so a reader applies the same limit."""
_CHECKSUM_BYTES = 8
_FINGERPRINT_BYTES = 8

S = TypeVar("S")
Nonce = Annotated[bytes, msgspec.Meta(min_length=NONCE_BYTES, max_length=NONCE_BYTES)]


class Resume(msgspec.Struct, array_like=True, frozen=True):
    """The session that a worker resumes: `received` is the last contiguous sequence that it has, of `epoch`'s
    stream.
    """

    session: Label
    epoch: Count
    received: Count


class Hello(msgspec.Struct, array_like=True, frozen=True):
    """A worker's request. `wall_s` is Unix time; `incarnation` is new for each process of the same name."""

    version: int
    worker: Label
    incarnation: Label
    nonce: Nonce
    wall_s: float
    slots: int
    prefetch: int
    compress: bool
    resume: Resume | None = None


class Backoff(msgspec.Struct, array_like=True, frozen=True):
    """Advice for reconnecting: first delay and longest delay (fleet ÷ admission rate)."""

    base_ms: int
    cap_ms: int


class Welcome(msgspec.Struct, array_like=True, frozen=True):
    """The coordinator's answer.

    `outcome` is `fresh`, `resumed` or `reset`, and `because` is the reason of a reset. `received` is the last
    contiguous sequence that the coordinator has durably. With `new_stream` the coordinator's own numbering
    starts at 1 again (it restarted).
    """

    outcome: Label
    because: Words
    session: Label
    epoch: int
    nonce: Nonce
    received: int
    new_stream: bool
    credit: int
    heartbeat_interval_ms: int
    heartbeat_timeout_ms: int
    backoff: Backoff
    compress: bool


class Refusal(msgspec.Struct, array_like=True, frozen=True):
    """The reason of a refusal, and the wait before the next try (0: no advice)."""

    reason: Label
    detail: Words
    retry_after_ms: Annotated[int, msgspec.Meta(ge=0, le=RETRY_MAX_MS)] = 0


_TERMINAL = {reason.label for reason in RefusalReason if reason.terminal}
_fields = msgspec.msgpack.Decoder(list[msgspec.Raw])
_hello = msgspec.msgpack.Decoder(Hello)
_welcome = msgspec.msgpack.Decoder(Welcome)
_refusal = msgspec.msgpack.Decoder(Refusal)


class HandshakeError(Exception):
    """An invalid handshake; `reason` decides the answer. `worker` is set only for a hello that was signed
    with the right key.
    """

    def __init__(self, reason: RefusalReason, detail: str, worker: str = "") -> None:
        super().__init__(f"{reason.label}: {detail}")
        self.reason = reason
        self.detail = detail
        self.worker = worker


def write_hello(hello: Hello, fleet_key: bytes) -> str:
    """Return the value of HELLO_HEADER."""
    body = msgspec.msgpack.encode(hello)
    return _pack(fingerprint(fleet_key) + mac(_key(fleet_key, b"hello"), body) + body)


def read_hello(value: str, fleet_key: bytes, wall_s: float) -> Hello:
    """Return the Hello in a header's value, verified against the key, the version and the clock.

    Raises HandshakeError: damaged, bad_key, version or clock. (The coordinator itself detects a nonce that
    came before.)
    """
    signed = _unpack(value)
    named, code = signed[:_FINGERPRINT_BYTES], signed[_FINGERPRINT_BYTES : _FINGERPRINT_BYTES + MAC_BYTES]
    body = signed[_FINGERPRINT_BYTES + MAC_BYTES :]
    if named != fingerprint(fleet_key) or not macs_equal(mac(_key(fleet_key, b"hello"), body), code):
        raise HandshakeError(
            RefusalReason.bad_key, "the worker's key is not this coordinator's (STORMLAB_KEY)"
        )
    # The version is read first and alone: the hello of another version may have other fields after it.
    spoken = _decode(body, _fields)
    if not spoken or bytes(spoken[0]) != msgspec.msgpack.encode(PROTOCOL_VERSION):
        raise HandshakeError(
            RefusalReason.version,
            f"this coordinator supports version {PROTOCOL_VERSION} of the protocol only",
        )
    hello = _decode(body, _hello)
    if not abs(hello.wall_s - wall_s) <= CLOCK_BOUND_S:  # (NaN is never within the bound.)
        raise HandshakeError(
            RefusalReason.clock,
            f"clocks are {abs(hello.wall_s - wall_s):.0f} s apart; at most {CLOCK_BOUND_S:.0f} s are allowed",
        )
    return hello


def write_welcome(welcome: Welcome, fleet_key: bytes, hello: Hello) -> str:
    """Return the value of WELCOME_HEADER. Its MAC covers the Hello's nonce, so that a recorded welcome is
    invalid.
    """
    body = msgspec.msgpack.encode(welcome)
    return _pack(mac(_key(fleet_key, b"welcome"), hello.nonce + body) + body)


def read_welcome(value: str, fleet_key: bytes, hello: Hello) -> Welcome:
    """Return the Welcome that answers `hello`. Raises HandshakeError: damaged."""
    signed = _unpack(value)
    code, body = signed[:MAC_BYTES], signed[MAC_BYTES:]
    if not macs_equal(mac(_key(fleet_key, b"welcome"), hello.nonce + body), code):
        raise HandshakeError(RefusalReason.damaged, "the welcome's MAC does not match it")
    return _decode(body, _welcome)


def write_refusal(refusal: Refusal) -> str:
    """Return the value of REFUSAL_HEADER. It is not signed: after a wrong key the two sides share none."""
    return _pack(msgspec.msgpack.encode(refusal))


def read_refusal(value: str) -> Refusal:
    """Return the Refusal in a header's value. Raises HandshakeError: damaged."""
    return _decode(_unpack(value), _refusal)


def is_terminal(refusal: Refusal) -> bool:
    """Return whether a retry can never succeed (a wrong key, a name outside the plan, a refused version)."""
    return refusal.reason in _TERMINAL


@lru_cache(8)
def _key(fleet_key: bytes, purpose: bytes) -> bytes:
    return derive(fleet_key, b"", b"stormlab handshake " + purpose)


def _pack(data: bytes) -> str:
    checksum = hashlib.sha256(data).digest()[:_CHECKSUM_BYTES]
    return base64.urlsafe_b64encode(checksum + data).decode()


def _unpack(value: str) -> bytes:
    try:
        data = base64.b64decode(value.encode("ascii", "replace"), altchars=b"-_", validate=True)
    except binascii.Error:
        data = b""
    checksum, rest = data[:_CHECKSUM_BYTES], data[_CHECKSUM_BYTES:]
    if not rest or hashlib.sha256(rest).digest()[:_CHECKSUM_BYTES] != checksum:
        raise HandshakeError(RefusalReason.damaged, "the header's checksum does not match it")
    return rest


def _decode(body: bytes, decoder: msgspec.msgpack.Decoder[S]) -> S:
    try:
        return decoder.decode(body)
    except DECODE_ERRORS as error:
        raise HandshakeError(RefusalReason.damaged, str(error)) from None
