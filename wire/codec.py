"""Frames to bytes and back: sealed with a code over the exact bytes, numbered, compressed where that wins.

Layout: version (1 byte) · flags (1) · counter (8, big-endian) · code (16) · body. The code covers
everything but itself. Its key holds the session, the epoch and the direction (`session_keys`), so a frame is
valid in one place and at one time only.
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
    """Bounds of one frame, in bytes: as it travels, and after inflating."""

    frame_bytes: int = FRAME_BYTES
    inflated_bytes: int = FRAME_BYTES


@dataclass(frozen=True)
class SessionKeys:
    """One key for each direction of one connection."""

    to_worker: bytes
    to_coordinator: bytes


def session_keys(fleet_key: bytes, session: str, epoch: int, nonces: bytes) -> SessionKeys:
    """Keys of one connection, derived and never sent. `nonces` is the worker's and then the coordinator's."""

    def key(direction: str) -> bytes:
        return derive(
            fleet_key, nonces, f"stormlab {PROTOCOL_VERSION} {session} {epoch} {direction}".encode()
        )

    return SessionKeys(to_worker=key("to_worker"), to_coordinator=key("to_coordinator"))


class FrameEncoder:
    """Turns frames of one direction of one connection into bytes, and counts what compression saved."""

    __slots__ = ("_compress", "_counter", "_key", "raw_bytes", "wire_bytes")

    def __init__(self, key: bytes, *, compress: bool = True) -> None:
        self._key = key
        self._compress = compress
        self._counter = 0
        self.raw_bytes = 0
        self.wire_bytes = 0

    def encode(self, frame: Frame) -> bytes:
        """The bytes of `frame`; each call uses up one number of the connection."""
        body = _encoder.encode(frame)
        flags = 0
        # What was accepted fits (limits.py). A frame that the other side must refuse would come for ever.
        assert len(body) <= FRAME_BYTES - _BODY_AT, f"a frame of {len(body)} bytes"
        self.raw_bytes += len(body)
        if self._compress and (small := deflate(body)) is not None:
            body, flags = small, _COMPRESSED
        self._counter += 1
        self.wire_bytes += _BODY_AT + len(body)
        head = _HEAD.pack(PROTOCOL_VERSION, flags, self._counter)
        return b"".join((head, mac(self._key, head + body), body))


class FrameDecoder:
    """Turns bytes of one direction of one connection back into frames. Nothing is parsed before its code was
    checked.

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
        """The frame in `data`.

        Raises FrameError; after that the connection is to be closed, since nothing later on it can be
        trusted.
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
            raise FrameError(FrameFault.altered, "the code does not fit the bytes")
        version, flags, counter = _HEAD.unpack(head)
        if version != PROTOCOL_VERSION:
            raise FrameError(FrameFault.version, f"version {version}; this side speaks {PROTOCOL_VERSION}")
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
