"""Bad frames over real sockets, each with the close code and reason that it must get."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Callable
from dataclasses import dataclass

import msgspec
from websockets.exceptions import ConnectionClosed

from tests.coordinator.fake_worker import FakeWorker
from tests.fuzz import hostile
from wire.codec import FrameLimits
from wire.handshake import Resume
from wire.limits import BULK_BYTES, ENVELOPES_MAX, ERROR_CHARS, HELD_MAX, WORDS_CHARS
from wire.messages import (
    AttemptReport,
    AttemptResult,
    Checkpoint,
    CheckpointSaved,
    Envelope,
    Frame,
    GoAway,
    Goodbye,
    Heartbeat,
    HeldAttempt,
    Message,
    Progress,
    ReturnTask,
)

ANSWER_S = 20.0


@dataclass
class Forger:
    """Signs frames with a connection's key. `sent` frames and `said` numbered messages went before, and were
    good.
    """

    key: bytes
    sent: int = 0
    said: int = 0

    def sealed(self, body: bytes, *, ahead: int = 1, flags: int = 0, version: int = 1) -> bytes:
        """`body` as the frame that is due, or as another one."""
        return hostile.sealed(self.key, body, counter=self.sent + ahead, flags=flags, version=version)

    def frame(self, *messages: Message, ahead: int = 1, ack: int = 0) -> bytes:
        """Well formed, whatever it says; the first message is the one that is due, or another one."""
        numbered = [Envelope(self.said + ahead + place, message) for place, message in enumerate(messages)]
        return self.sealed(msgspec.msgpack.encode(Frame(ack, 512, numbered)))


class HostileWorker(FakeWorker):
    """A hostile worker that has the fleet's key. `wanted` is the session of another worker."""

    wanted = ""

    def forger(self) -> Forger:
        """Return a signer with the key of a new connection."""
        return Forger(self._encoder._key)

    async def closing(self) -> tuple[int, str]:
        """The code and reason with which the coordinator ends the connection."""
        try:
            async with asyncio.timeout(ANSWER_S):
                while True:
                    await self.link.recv()
        except ConnectionClosed as ended:
            return (ended.rcvd.code, ended.rcvd.reason) if ended.rcvd else (1006, "")


def _altered(forger: Forger, chance: random.Random) -> bytes:
    data = bytearray(forger.frame(Goodbye("x" * chance.randrange(300))))
    data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    return bytes(data)


def _undecodable(forger: Forger, chance: random.Random) -> bytes:
    nonsense = (
        msgspec.msgpack.encode([0, 512, [[1, ["nonsense", 1, 2]]]]),
        b"\xc1",
        b"\x93\x00\x00\x91\x92\x01\x92\xa7goodbye\xa1\xff",
        b"\x93\x00\x00" + hostile.NESTED,
    )
    return forger.sealed(chance.choice(nonsense))


# What is sent, and the fault that it is.
FRAMES: dict[str, tuple[str, Callable[[Forger, random.Random], bytes | str]]] = {
    "noise": ("altered", lambda forger, chance: chance.randbytes(chance.randrange(26, 5_000))),
    "crumbs": ("too_short", lambda forger, chance: chance.randbytes(chance.randrange(26))),
    "text": ("text", lambda forger, chance: "x" * chance.randrange(2_000)),
    "damage": ("altered", _altered),
    "another version": ("version", lambda forger, chance: forger.sealed(b"\x93\x00\x00\x90", version=2)),
    "an old frame again": ("replayed", lambda forger, chance: forger.frame()),
    "a later frame": ("reordered", lambda forger, chance: forger.sealed(b"\x93\x00\x00\x90", ahead=2)),
    "from the future": (
        "sequence_gap",
        lambda forger, chance: forger.frame(Goodbye("x"), ahead=chance.randrange(2, 1 << 40)),
    ),
    "an ack of what was never sent": (
        "ack_from_future",
        lambda forger, chance: forger.frame(ack=chance.randrange(1 << 30, 1 << 40)),
    ),
    "for workers only": ("undecodable", lambda forger, chance: forger.frame(GoAway(1, "x"))),
    "nonsense, signed": ("undecodable", _undecodable),
    "a text beyond its bound": (
        "undecodable",
        lambda forger, chance: forger.frame(
            ReturnTask("t", 1, "x" * (WORDS_CHARS + chance.randrange(1, 100_000)))
        ),
    ),
    "an error beyond its bound": (
        "undecodable",
        lambda forger, chance: forger.frame(AttemptResult("t", 1, b"", "x" * (ERROR_CHARS + 1), 0, 0, 0)),
    ),
    "a state beyond its bound": (
        "undecodable",
        lambda forger, chance: forger.frame(
            CheckpointSaved("t", 1, Checkpoint(1, bytes(BULK_BYTES + 1), b""))
        ),
    ),
    "more attempts than a worker holds": (
        "undecodable",
        lambda forger, chance: forger.frame(AttemptReport([HeldAttempt("t", 1)] * (HELD_MAX + 1))),
    ),
    "a beat for more than a worker holds": (
        "undecodable",
        lambda forger, chance: forger.frame(Heartbeat(0, 0, [Progress(1, 1)] * (HELD_MAX + 1))),
    ),
    "more messages than a frame takes": (
        "undecodable",
        lambda forger, chance: forger.frame(*[Goodbye("x")] * (ENVELOPES_MAX + 1)),
    ),
    "a bomb": ("bomb", lambda forger, chance: forger.sealed(hostile.BOMB, flags=1)),
    "no deflate stream": ("undecodable", lambda forger, chance: forger.sealed(b"\xff" * 40, flags=1)),
    "too large": ("too_large", lambda forger, chance: bytes(FrameLimits().frame_bytes + 1)),
}
BY_CHANCE = {"too large": 1, "a bomb": 1, "a state beyond its bound": 1}
WEIGHTS = [BY_CHANCE.get(name, 8) for name in FRAMES]


def drawn(chance: random.Random) -> str:
    """The name of one of FRAMES."""
    return chance.choices(list(FRAMES), WEIGHTS)[0]


def made(name: str, forger: Forger, chance: random.Random) -> list[bytes | str]:
    """What to send for a bad frame of that name: most often one message."""
    fault, make = FRAMES[name]
    data = make(forger, chance)
    # What is replayed was good the first time; of the others, more of the same makes no second cause.
    repeats = 2 if fault == "replayed" else chance.choice((1, 1, 20)) if len(data) < 10_000 else 1
    return [data] * repeats


def check_answer(name: str, code: int, reason: str) -> str:
    """The fault that a bad frame of that name is. Raises AssertionError when it got another answer."""
    fault, _ = FRAMES[name]
    wanted = ((1009, None), (1006, None)) if fault == "too_large" else ((4001, fault),)
    assert any(code == want and why in (None, reason) for want, why in wanted), (name, code, reason)
    return fault


async def bad_frame(enemy: HostileWorker, chance: random.Random) -> str:
    """One bad frame on a connection of its own; returns the fault that it is. Raises AssertionError when the
    answer is another.
    """
    welcome = await enemy.connect()
    # A session begins with the first authenticated frame: without one there is none to resume.
    assert welcome.outcome in ("fresh", "resumed", "reset"), welcome
    name, forger = drawn(chance), enemy.forger()
    with contextlib.suppress(ConnectionClosed):
        if chance.random() < 0.5:
            await enemy.link.send(forger.frame())
            forger.sent += 1
        for data in made(name, forger, chance):
            await enemy.link.send(data)
    return check_answer(name, *await enemy.closing())


async def broken_framing(enemy: HostileWorker, chance: random.Random) -> str:
    """Bytes that are no WebSocket frame."""
    await enemy.connect()
    enemy.link.transport.write(b"\xff\xff" + chance.randbytes(20))
    code, _ = await enemy.closing()
    assert code == 1002, code
    return "framing"


async def half_a_frame(enemy: HostileWorker, chance: random.Random) -> str:
    """The head of a large frame, a few bytes of it, and then nothing until the coordinator has enough."""
    await enemy.connect()
    enemy.link.transport.write(b"\x82\xfe\xff\x00" + chance.randbytes(chance.randrange(4_000)))
    async with asyncio.timeout(ANSWER_S):
        await enemy.link.wait_closed()
    return ""


async def anothers_session(enemy: HostileWorker, chance: random.Random) -> str:
    """Ask for a session that is not ours: a new one is what we get."""
    hello = msgspec.structs.replace(enemy.hello(), resume=Resume(enemy.wanted, 1, chance.randrange(9)))
    welcome = await enemy.connect(hello)
    assert (welcome.outcome, welcome.session == enemy.wanted) == ("reset", False), welcome
    enemy.link.transport.abort()
    return ""
