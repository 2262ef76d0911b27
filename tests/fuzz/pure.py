"""Hostile input in memory: whatever comes in, a typed error or nothing comes out."""

from __future__ import annotations

import contextlib
import random
import time
from collections import Counter
from collections.abc import Callable

import msgspec

from tests.coordinator.harness import CoordinatorHarness
from tests.fuzz import hostile
from tests.worker.desk import Desk
from wire.channel import Channel
from wire.codec import FrameDecoder, FrameEncoder, FrameLimits
from wire.errors import FrameError
from wire.handshake import HandshakeError, read_hello, read_refusal, read_welcome
from wire.messages import Envelope, Frame

KEY = bytes(range(32))
WALL_S = hostile.HELLO.wall_s
INPUTS_OF_A_LIFE = 200
_OPENED = "taken"
_GOOD = FrameEncoder(KEY).encode(Frame(0, 512, [Envelope(1, message) for message in hostile.EXAMPLES[:1]]))


class FuzzFoundError(AssertionError):
    """The code raised something other than a typed error; the message has the command to repeat it."""


class Fuzzer:
    """Feeds one hostile input after the other; `outcomes` counts what became of them."""

    def __init__(self, seed: int) -> None:
        self.outcomes: Counter[str] = Counter()
        self._seed = seed
        self._chance = random.Random(f"fuzz {seed}")
        self._world = CoordinatorHarness()
        self._desk = Desk().up()
        self._targets: list[Callable[[random.Random], str]] = [
            self._frame, self._frame, self._body, self._body, self._compressed, self._hello, self._hello,
            self._welcome, self._refusal, self._coordinator, self._worker,
        ]  # fmt: skip

    def run(self, inputs: int, until_s: float = float("inf")) -> int:
        """Feed a number of inputs, or fewer when `time.monotonic()` reaches `until_s`. Return how many.
        Raises FuzzFoundError.
        """
        for number in range(inputs):
            if number % INPUTS_OF_A_LIFE == 0:
                if time.monotonic() >= until_s:
                    return number
                self._world, self._desk = CoordinatorHarness(), Desk().up()
            target = self._chance.choice(self._targets)
            try:
                outcome = target(self._chance)
            except FrameError as error:
                outcome = str(error.fault)
            except HandshakeError as error:
                outcome = error.reason.label
            except Exception as error:
                where = f"{target.__name__}, input {number} of seed {self._seed}"
                raise FuzzFoundError(f"{where}: {type(error).__name__}: {error}") from error
            self.outcomes[outcome] += 1
        return inputs

    # -- bytes ---------------------------------------------

    def _frame(self, chance: random.Random) -> str:
        data = hostile.noise(chance) if chance.random() < 0.3 else hostile.damaged(chance, _GOOD)
        FrameDecoder(KEY, FrameLimits()).decode(data)
        return _OPENED

    def _body(self, chance: random.Random) -> str:
        body = hostile.body(chance) if chance.random() < 0.9 else hostile.noise(chance)
        data = hostile.sealed(
            KEY, body, counter=chance.choice((0, 1, 1, 1, 2)), version=chance.choice((1, 1, 1, 1, 0, 2))
        )
        Channel().receive(FrameDecoder(KEY, FrameLimits()).decode(data))
        return _OPENED

    def _compressed(self, chance: random.Random) -> str:
        body = hostile.deflated(hostile.body(chance))
        if chance.random() < 0.5:
            body = hostile.damaged(chance, body)
        if chance.random() < 0.002:
            body = hostile.BOMB
        FrameDecoder(KEY, FrameLimits()).decode(
            hostile.sealed(KEY, body, flags=chance.choice((1, 1, 1, 3, 255)))
        )
        return _OPENED

    # -- headers -------------------------------------------

    def _hello(self, chance: random.Random) -> str:
        body = msgspec.msgpack.encode(hostile.twisted(chance, hostile.plain(hostile.HELLO)))
        if chance.random() < 0.2:
            body = hostile.damaged(chance, body)
        read_hello(self._spoiled(chance, hostile.hello_of(KEY, body)), KEY, WALL_S)
        return _OPENED

    def _welcome(self, chance: random.Random) -> str:
        read_welcome(self._spoiled(chance, hostile.header(hostile.body(chance))), KEY, hostile.HELLO)
        return _OPENED

    def _refusal(self, chance: random.Random) -> str:
        refusal = hostile.twisted(chance, ["full", "too many", 500])
        read_refusal(self._spoiled(chance, hostile.header(msgspec.msgpack.encode(refusal))))
        return _OPENED

    def _spoiled(self, chance: random.Random, value: str) -> str:
        if chance.random() < 0.6:
            return value
        return hostile.damaged(chance, value.encode()).decode("latin-1") + chance.choice(("", "é", "\u2028"))

    # -- cores ---------------------------------------------

    def _coordinator(self, chance: random.Random) -> str:
        """A worker with the right key that says nonsense."""
        world = self._world
        peer = world.peer_unconnected(f"worker-{chance.randrange(3)}")
        with contextlib.suppress(AssertionError):
            peer.connect()  # The admission limit may refuse it, which is fine.
        if not peer.connection:
            return "turned away"
        if chance.random() < 0.3:
            world.submit(f"t{chance.randrange(50)}")
        refused = len(world.closed)
        # The encoder signs whatever frame it is given; here only its key is wanted.
        data = hostile.sealed(peer.encoder._key, hostile.body(chance))
        world.core.on_bytes(world.now_ns, peer.connection, data)
        world.settle()
        while world.core.next_bytes(world.now_ns, peer.connection) is not None:
            pass
        world.now_ns += 1_000_000
        assert world.balanced()
        return str(world.closed[-1].reason) if len(world.closed) > refused else _OPENED

    def _worker(self, chance: random.Random) -> str:
        """A coordinator with the right key that says nonsense."""
        desk = self._desk
        if desk.core.state != "connected":
            desk.until_state("connecting")
            desk.connected()
        frame = FrameDecoder(KEY, FrameLimits()).decode(hostile.sealed(KEY, hostile.body(chance)))
        desk.do(desk.core.on_frame(desk.now_ns, desk.core.connection, frame))
        list(desk.frames())
        desk.now_ns += 1_000_000
        desk.do(desk.core.on_tick(desk.now_ns))
        return _OPENED
