"""Bad frames over real sockets, each with the close code and reason that it must get."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Callable

import msgspec
from websockets.exceptions import ConnectionClosed

from tests.coordinator.mini_worker import MiniWorker
from tests.fuzz import hostile
from wire.codec import Limits
from wire.handshake import Resume
from wire.messages import Envelope, Frame, GoAway, Goodbye

ANSWER_S = 20.0


class Enemy(MiniWorker):
    """Has the fleet's key, and uses it badly. `wanted` is a session of somebody else."""

    wanted = ""

    def sealed(self, body: bytes, *, counter: int = 1, flags: int = 0, version: int = 1) -> bytes:
        """`body` as this connection's frame."""
        return hostile.sealed(self._sealer._key, body, counter=counter, flags=flags, version=version)

    def frame(self, *envelopes: Envelope, ack: int = 0) -> bytes:
        """Well formed, whatever it says."""
        return self.sealed(msgspec.msgpack.encode(Frame(ack, 512, list(envelopes))))

    async def closing(self) -> tuple[int, str]:
        """The code and reason with which the coordinator ends the connection."""
        try:
            async with asyncio.timeout(ANSWER_S):
                while True:
                    await self.link.recv()
        except ConnectionClosed as ended:
            return (ended.rcvd.code, ended.rcvd.reason) if ended.rcvd else (1006, "")


def _altered(enemy: Enemy, chance: random.Random) -> bytes:
    data = bytearray(enemy.frame(Envelope(1, Goodbye("x" * chance.randrange(300)))))
    data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    return bytes(data)


def _undecodable(enemy: Enemy, chance: random.Random) -> bytes:
    nonsense = (
        msgspec.msgpack.encode([0, 512, [[1, ["nonsense", 1, 2]]]]),
        b"\xc1",
        b"\x93\x00\x00\x91\x92\x01\x92\xa7goodbye\xa1\xff",
        b"\x93\x00\x00" + hostile.NESTED,
    )
    return enemy.sealed(chance.choice(nonsense))


# What is sent, and the fault that it is.
FRAMES: dict[str, tuple[str, Callable[[Enemy, random.Random], bytes | str]]] = {
    "noise": ("altered", lambda enemy, chance: chance.randbytes(chance.randrange(26, 5_000))),
    "crumbs": ("too_short", lambda enemy, chance: chance.randbytes(chance.randrange(26))),
    "text": ("text", lambda enemy, chance: "x" * chance.randrange(2_000)),
    "damage": ("altered", _altered),
    "another version": ("version", lambda enemy, chance: enemy.sealed(b"\x93\x00\x00\x90", version=2)),
    "an old frame again": ("replayed", lambda enemy, chance: enemy.frame()),
    "a later frame": ("reordered", lambda enemy, chance: enemy.sealed(b"\x93\x00\x00\x90", counter=2)),
    "from the future": (
        "sequence_gap",
        lambda enemy, chance: enemy.frame(Envelope(chance.randrange(2, 1 << 40), Goodbye("x"))),
    ),
    "an ack of what was never sent": (
        "ack_from_future",
        lambda enemy, chance: enemy.frame(ack=chance.randrange(1, 1 << 40)),
    ),
    "for workers to hear": (
        "undecodable",
        lambda enemy, chance: enemy.frame(Envelope(1, GoAway(1, "x"))),
    ),
    "nonsense, signed": ("undecodable", _undecodable),
    "a bomb": ("bomb", lambda enemy, chance: enemy.sealed(hostile.BOMB, flags=1)),
    "no deflate stream": ("undecodable", lambda enemy, chance: enemy.sealed(b"\xff" * 40, flags=1)),
    "too large": ("too_large", lambda enemy, chance: bytes(Limits().frame_bytes + 1)),
}
BY_CHANCE = {"too large": 1, "a bomb": 1}
WEIGHTS = [BY_CHANCE.get(name, 8) for name in FRAMES]


async def bad_frame(enemy: Enemy, chance: random.Random) -> str:
    """One bad frame on a connection of its own; returns the fault that it is. Raises AssertionError when the
    answer is another.
    """
    welcome = await enemy.connect()
    assert welcome.outcome in ("fresh", "resumed"), welcome
    (name,) = chance.choices(list(FRAMES), WEIGHTS)
    fault, make = FRAMES[name]
    data = make(enemy, chance)
    # What is replayed was good the first time; of the others, more of the same makes no second cause.
    repeats = 2 if fault == "replayed" else chance.choice((1, 1, 20)) if len(data) < 10_000 else 1
    with contextlib.suppress(ConnectionClosed):
        for _ in range(repeats):
            await enemy.link.send(data)
    code, reason = await enemy.closing()
    wanted = ((1009, None), (1006, None)) if fault == "too_large" else ((4001, fault),)
    assert any(code == want and why in (None, reason) for want, why in wanted), (name, code, reason)
    return fault


async def broken_framing(enemy: Enemy, chance: random.Random) -> str:
    """Bytes that are no WebSocket frame."""
    await enemy.connect()
    enemy.link.transport.write(b"\xff\xff" + chance.randbytes(20))
    code, _ = await enemy.closing()
    assert code == 1002, code
    return "framing"


async def half_a_frame(enemy: Enemy, chance: random.Random) -> str:
    """The head of a large frame, a few bytes of it, and then nothing until the coordinator has enough."""
    await enemy.connect()
    enemy.link.transport.write(b"\x82\xfe\xff\x00" + chance.randbytes(chance.randrange(4_000)))
    async with asyncio.timeout(ANSWER_S):
        await enemy.link.wait_closed()
    return ""


async def anothers_session(enemy: Enemy, chance: random.Random) -> str:
    """Ask for a session that is not ours: a new one is what we get."""
    hello = msgspec.structs.replace(enemy.hello(), resume=Resume(enemy.wanted, 1, chance.randrange(9)))
    welcome = await enemy.connect(hello)
    assert (welcome.outcome, welcome.session == enemy.wanted) == ("reset", False), welcome
    enemy.link.transport.abort()
    return ""
