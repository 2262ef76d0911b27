"""Makes hostile bytes: noise, damaged copies of good ones, and bodies that are signed as they should be and
mean nonsense.
"""

from __future__ import annotations

import base64
import hashlib
import random
import struct
import zlib

import msgspec

from wire.handshake import Hello, Resume
from wire.keys import derive, fingerprint, mac
from wire.messages import (
    Assign,
    AttemptReport,
    AttemptResult,
    Checkpoint,
    CheckpointSaved,
    DrainNotice,
    GoAway,
    Goodbye,
    Heartbeat,
    HeldAttempt,
    LeasesRenewed,
    Message,
    Progress,
    ReturnTask,
    Revoke,
)
from wire.priority import Priority

STATE = Checkpoint(3, b"state", hashlib.sha256(b"state").digest())
EXAMPLES: tuple[Message, ...] = (
    Assign("t", 7, "noop", b"{}", Priority.normal, 1, 10_000, 0, STATE, 4),
    Revoke("t", 7, "over"),
    LeasesRenewed(1, 10_000, [7]),
    GoAway(500, "leaving"),
    Heartbeat(1, 2_000, [Progress(7, 3)]),
    AttemptReport([HeldAttempt("t", 7)]),
    AttemptResult("t", 7, b"1", "", 1, 2, 3),
    CheckpointSaved("t", 7, STATE),
    ReturnTask("t", 7, "drain"),
    Goodbye("drained"),
    DrainNotice(),
)
HELLO = Hello(1, "worker-1", "life", bytes(16), 1_795_000_000.0, 4, 4, True, Resume("session", 1, 3))
ODD: tuple[object, ...] = (
    None, True, 0, -1, 1, 2, 255, 1 << 31, 1 << 53, (1 << 63) - 1, 1 << 63, (1 << 64) - 1, -(1 << 63), 0.5,
    float("inf"), float("nan"), "", "x", "\x00", "t" * 5_000, b"", b"\xff" * 40, [], [[]], {}, {"a": 1},
    "noop", "assign", "result", [7, 7, 7],
)  # fmt: skip
NESTED = b"\x91\x92\x01\x93\xa7goodbye\xa1x" + b"\x91" * 3_000 + b"\x90"
"""Behind a goodbye's own fields: an array in an array in an array."""
_HEAD = struct.Struct(">BBQ")


def plain(value: object) -> list[object]:
    """A struct as the bare lists that travel."""
    made: list[object] = msgspec.msgpack.decode(msgspec.msgpack.encode(value))
    return made


_PLAIN = tuple(plain(message) for message in EXAMPLES)


def noise(chance: random.Random) -> bytes:
    """Any bytes, mostly few."""
    return chance.randbytes(chance.choice((0, 1, 2, 5, 25, 26, 27, 40, 200, 3_000)))


def damaged(chance: random.Random, data: bytes) -> bytes:
    """A copy of `data` with a few things wrong: bits, bytes lost, doubled, added, or its end cut off."""
    made = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 8))):
        at = chance.randrange(len(made) + 1)
        match chance.randrange(5):
            case 0 if at < len(made):
                made[at] ^= 1 << chance.randrange(8)
            case 1:
                del made[at : at + chance.randrange(1, 9)]
            case 2:
                made[at:at] = made[at : at + 9]
            case 3:
                made[at:at] = chance.randbytes(chance.randrange(1, 9))
            case _:
                del made[at:]
    return bytes(made)


def twisted(chance: random.Random, tree: list[object]) -> list[object]:
    """A copy of bare lists in which one place holds something else, or is missing, or too much."""
    made = list(tree)
    at = chance.randrange(len(made) + 1)
    inner = made[at] if at < len(made) else None
    if isinstance(inner, list) and chance.random() < 0.8:
        made[at] = twisted(chance, inner)
    elif at == len(made):
        made.append(chance.choice(ODD))
    elif chance.random() < 0.2:
        del made[at]
    else:
        made[at] = chance.choice(ODD)
    return made


def body(chance: random.Random) -> bytes:
    """A frame's body: well formed, nearly so, or not at all."""
    count = chance.randrange(4)
    messages = [[chance.choice((0, 1, 1, 2, 9)), chance.choice(_PLAIN)] for _ in range(count)]
    frame: list[object] = [chance.choice((0, 0, 1, 1 << 40)), chance.choice((0, 512)), messages]
    for _ in range(chance.choice((0, 1, 1, 3))):
        frame = twisted(chance, frame)
    encoded = msgspec.msgpack.encode(frame)
    if chance.random() < 0.02:
        return encoded[:-1] + NESTED
    return damaged(chance, encoded) if chance.random() < 0.2 else encoded


def deflated(data: bytes) -> bytes:
    """`data` as a body that is compressed."""
    deflater = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return deflater.compress(data) + deflater.flush()


BOMB = deflated(bytes(32 << 20))


def sealed(key: bytes, body: bytes, *, counter: int = 1, flags: int = 0, version: int = 1) -> bytes:
    """`body` under a code that fits it, whatever it holds."""
    head = _HEAD.pack(version, flags, counter)
    return head + mac(key, head + body) + body


def header(data: bytes) -> str:
    """`data` under the checksum of a handshake header."""
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()[:8] + data).decode()


def hello_of(fleet_key: bytes, body: bytes) -> str:
    """A hello whose code fits, whatever it says."""
    key = derive(fleet_key, b"", b"stormlab handshake hello")
    return header(fingerprint(fleet_key) + mac(key, body) + body)
