"""Frames to bytes and back: authenticated over the exact bytes, numbered, compressed where that saves bytes.

Layout: version (1 byte) · flags (1) · counter (8, big-endian) · MAC (16) · body. The MAC covers everything
but itself. Its key is derived from session, epoch and direction (`session_keys`), so a frame is valid at one
place and time only.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

import msgspec

from wire.compression import deflate, inflate
from wire.errors import DECODE_ERRORS, FrameError, FrameFault
from wire.keys import MAC_BYTES, derive, mac, macs_equal
from wire.limits import FRAME_BYTES
from wire.messages import Frame

PROTOCOL_VERSION: Final = 1
_HEAD = struct.Struct(">BBQ")
_BODY_AT = _HEAD.size + MAC_BYTES
_COMPRESSED = 0x01
_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Frame)


@dataclass(frozen=True)
class FrameLimits:
    """Limits of one frame, in bytes: as it travels, and after inflating."""

    frame_bytes: int = FRAME_BYTES
    inflated_bytes: int = FRAME_BYTES


@dataclass(frozen=True)
class SessionKeys:
    """One key for each direction of one connection."""

    to_worker: bytes
    to_coordinator: bytes


def session_keys(fleet_key: bytes, session: str, epoch: int, nonces: bytes) -> SessionKeys:
    """Derive the keys of one connection, which never travel. `nonces` is the worker's nonce followed by the
    coordinator's.
    """

    def key(direction: str) -> bytes:
        return derive(
            fleet_key, nonces, f"stormlab {PROTOCOL_VERSION} {session} {epoch} {direction}".encode()
        )

    return SessionKeys(to_worker=key("to_worker"), to_coordinator=key("to_coordinator"))


class FrameEncoder:
    """Encodes the frames of one direction of one connection. `raw_bytes` and `wire_bytes` count them before
    and after compression.
    """

    __slots__ = ("_compress", "_counter", "_key", "raw_bytes", "wire_bytes")

    def __init__(self, key: bytes, *, compress: bool = True) -> None:
        self._key = key
        self._compress = compress
        self._counter = 0
        self.raw_bytes = 0
        self.wire_bytes = 0

    def encode(self, frame: Frame) -> bytes:
        """Return the bytes of `frame`; each call uses one number of the connection."""
        body = _encoder.encode(frame)
        flags = 0
        # Accepted messages fit (limits.py). A frame that the peer must refuse would be sent again for ever.
        assert len(body) <= FRAME_BYTES - _BODY_AT, f"a frame of {len(body)} bytes"
        self.raw_bytes += len(body)
        if self._compress and (small := deflate(body)) is not None:
            body, flags = small, _COMPRESSED
        self._counter += 1
        self.wire_bytes += _BODY_AT + len(body)
        head = _HEAD.pack(PROTOCOL_VERSION, flags, self._counter)
        return b"".join((head, mac(self._key, head + body), body))


class FrameDecoder:
    """Decodes the frames of one direction of one connection. It verifies a frame's MAC before it parses
    anything.

    WebSockets keep order, so the replay window is one number wide: the next one.
    """

    __slots__ = ("_counter", "_key", "_limits", "raw_bytes", "wire_bytes")

    def __init__(self, key: bytes, limits: FrameLimits) -> None:
        self._key = key
        self._limits = limits
        self._counter = 0
        self.raw_bytes = 0
        self.wire_bytes = 0

    def decode(self, data: bytes | str) -> Frame:
        """Return the frame in `data`.

        Raises FrameError; the connection must then be closed, since no later frame of it is valid.
        """
        body = self._authenticated_body(data)
        try:
            return _decoder.decode(body)
        except DECODE_ERRORS as error:
            raise FrameError(FrameFault.undecodable, str(error)) from None

    def _authenticated_body(self, data: bytes | str) -> bytes:
        if isinstance(data, str):
            raise FrameError(FrameFault.text, "expected a binary message, found text")
        if len(data) > self._limits.frame_bytes:
            raise FrameError(FrameFault.too_large, f"{len(data)} bytes; at most {self._limits.frame_bytes}")
        if len(data) < _BODY_AT:
            raise FrameError(FrameFault.too_short, f"{len(data)} bytes; at least {_BODY_AT}")
        head, body = data[: _HEAD.size], data[_BODY_AT:]
        if not macs_equal(mac(self._key, head + body), data[_HEAD.size : _BODY_AT]):
            raise FrameError(FrameFault.altered, "the MAC does not match the bytes")
        version, flags, counter = _HEAD.unpack(head)
        if version != PROTOCOL_VERSION:
            raise FrameError(FrameFault.version, f"version {version}; expected {PROTOCOL_VERSION}")
        if counter != self._counter + 1:
            kind = FrameFault.replayed if counter <= self._counter else FrameFault.reordered
            raise FrameError(kind, f"frame {counter} where {self._counter + 1} was due")
        self._counter = counter
        self.wire_bytes += len(data)
        if flags & _COMPRESSED:
            body = self._inflated(body)
        self.raw_bytes += len(body)
        return body

    def _inflated(self, body: bytes) -> bytes:
        try:
            return inflate(body, self._limits.inflated_bytes)
        except OverflowError as error:
            raise FrameError(FrameFault.bomb, str(error)) from None
        except ValueError as error:
            raise FrameError(FrameFault.undecodable, str(error)) from None
