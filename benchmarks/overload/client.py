"""A worker's core in the model: it dials, gives up after its own connect_timeout, and beats while it is
connected.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from benchmarks.overload.busy_core import BusyCore
from coordinator.core import AcceptedHandshake
from coordinator.handshake import HandshakeRefusal
from tests.simulation.clock import Clock
from wire.codec import FrameDecoder, FrameEncoder, FrameLimits, session_keys
from wire.events import Event, Journal
from wire.handshake import Hello, write_hello
from wire.settings import WorkerSettings
from worker.core import WorkerCore
from worker.dependencies import Dependencies
from worker.effects import Connect, Disconnect, Effect
from worker.session import ConnectFailure, SessionState

SYN_AGAIN_S = (0.0, 1.0, 3.0, 7.0)
"""When a SYN is sent that is not answered (RFC 6298: a second, doubled each time)."""
TRIP_MS = (0.2, 2.0)
_S = 1_000_000_000


@dataclass
class Link:
    """What lies between all workers and the coordinator: whether it is down, and a delay drawn for each
    packet.
    """

    clock: Clock
    chance: random.Random
    is_down: bool = False

    def trip_ns(self) -> int:
        """The delay of one packet."""
        return int(self.chance.uniform(*TRIP_MS) * 1e6)


class Way:
    """One direction of one connection. TCP keeps order: what leaves later never arrives earlier."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._free_at_ns = 0

    def carry(self, call: Callable[[], None]) -> None:
        """Have `call` happen at the other end."""
        clock = self._link.clock
        self._free_at_ns = max(self._free_at_ns, clock.now_ns + self._link.trip_ns())
        clock.at(self._free_at_ns, call)


class Worker:
    """One worker core with its connections. `dialled` counts its attempts."""

    def __init__(
        self, name: str, settings: WorkerSettings, key: bytes, link: Link, coordinator: BusyCore,
        moved: Callable[[Worker], None],
    ) -> None:  # fmt: skip
        self.dialled = 0
        self.link = link
        self.key = key
        self.coordinator = coordinator
        self._moved = moved
        self._clock = link.clock
        self._attempt: Attempt | None = None
        self._tick_at_ns = 0
        chance = link.chance
        ports = Dependencies(
            _Forgotten(), chance, lambda: chance.randbytes(16), link.clock.wall_s, lambda task: None
        )
        self.core = WorkerCore(name, f"{name} at first", settings, ports)

    @property
    def is_connected(self) -> bool:
        """As it sees it itself."""
        return self.core.state is SessionState.connected

    def start(self) -> None:
        """The process is up."""
        self.do(self.core.on_start(self._clock.now_ns))

    def cut(self) -> None:
        """The link ends its connection."""
        if self._attempt is not None:
            self._attempt.cut()

    def do(self, effects: list[Effect]) -> None:
        """What the core wants done; then what is to be sent, and when to look again."""
        for effect in effects:
            if isinstance(effect, Connect):
                self.dialled += 1
                self._attempt = Attempt(self, effect)
            elif isinstance(effect, Disconnect):
                if self._attempt is not None and self._attempt.number == effect.connection:
                    self._attempt.close()
                    self._attempt = None
            else:
                raise TypeError(f"the model gives no work, and still the core wants {effect}")
        if self._attempt is not None:
            self._attempt.send()
        self._moved(self)
        self._plan_tick()

    def _plan_tick(self) -> None:
        due_ns = self.core.next_deadline_ns()
        if due_ns is None or self._clock.now_ns < self._tick_at_ns <= due_ns:
            return
        self._tick_at_ns = due_ns

        def tick() -> None:
            if self._tick_at_ns == due_ns:
                self._tick_at_ns = 0
                self.do(self.core.on_tick(self._clock.now_ns))

        self._clock.at(due_ns, tick)


class Attempt:
    """One connection from its first SYN to its end; the Caller of the coordinator's side."""

    def __init__(self, worker: Worker, effect: Connect) -> None:
        self.number = effect.connection
        self.is_closed = False
        self._worker = worker
        self._link = worker.link
        self._there, self._back = Way(worker.link), Way(worker.link)
        self._hello: Hello = effect.hello
        self._is_taken = False
        self._theirs: int | None = None
        self._encoder: FrameEncoder | None = None
        self._decoder: FrameDecoder | None = None
        for after_s in SYN_AGAIN_S:
            self._link.clock.after(int(after_s * _S), self._syn)

    # -- from the worker -----------------------------------

    def _syn(self) -> None:
        if not (self.is_closed or self._is_taken or self._link.is_down):
            self._there.carry(self._arrive)

    def _arrive(self) -> None:
        if not self._is_taken:
            self._is_taken = self._worker.coordinator.syn(self)

    def send(self) -> None:
        """What the core has to say, once it is welcome."""
        core, encoder, theirs = self._worker.core, self._encoder, self._theirs
        while encoder is not None and theirs is not None and core.has_frame:
            frame = core.take_frame(self._link.clock.now_ns)
            if frame is None:
                return
            deliver = partial(self._worker.coordinator.receive, theirs, encoder.encode(frame))
            self._there.carry(deliver)

    def close(self) -> None:
        """The worker gives it up."""
        self.is_closed = True
        if self._theirs is not None:
            theirs = self._theirs
            self._there.carry(lambda: self._worker.coordinator.closed(theirs))

    def cut(self) -> None:
        """The link ends it for both."""
        self.close()
        self._lost("reset", 0)

    # -- from the coordinator ------------------------------

    def hello(self) -> str:
        """Signed when it is read: it is not used before."""
        return write_hello(self._hello, self._worker.key)

    def answered(self, answer: AcceptedHandshake | HandshakeRefusal) -> None:
        """The door's answer is on its way."""
        if isinstance(answer, AcceptedHandshake):
            self._theirs = answer.connection
        self._back.carry(lambda: self._hear(answer))

    def receive(self, data: bytes) -> None:
        """A frame is on its way."""
        self._back.carry(lambda: self._take(data))

    def ended(self, code: int) -> None:
        """The coordinator's close is on its way."""
        self._back.carry(lambda: self._lost("closed", code))

    def _hear(self, answer: AcceptedHandshake | HandshakeRefusal) -> None:
        worker, now_ns = self._worker, self._link.clock.now_ns
        if self.is_closed:
            return
        if isinstance(answer, HandshakeRefusal):
            self.is_closed = True
            refusal = answer.refusal
            failure = ConnectFailure("status", refusal.reason, answer.status, refusal)
            worker.do(worker.core.on_connect_failed(now_ns, self.number, failure))
            return
        welcome = answer.welcome
        keys = session_keys(worker.key, welcome.session, welcome.epoch, self._hello.nonce + welcome.nonce)
        self._encoder = FrameEncoder(keys.to_coordinator, compress=welcome.compress)
        self._decoder = FrameDecoder(keys.to_worker, FrameLimits())
        worker.do(worker.core.on_connected(now_ns, self.number, welcome))

    def _take(self, data: bytes) -> None:
        if not self.is_closed and self._decoder is not None:
            frame, worker = self._decoder.decode(data), self._worker
            worker.do(worker.core.on_frame(self._link.clock.now_ns, self.number, frame))

    def _lost(self, kind: str, code: int) -> None:
        self.is_closed = True
        worker, now_ns = self._worker, self._link.clock.now_ns
        worker.do(worker.core.on_closed(now_ns, self.number, kind, "in the model", code))


class _Forgotten(Journal):
    """A journal that is not read."""

    def __init__(self) -> None:
        super().__init__("", lambda line: None, lambda: 0, lambda: 0.0)

    def __call__(self, kind: type[Event], /, **fields: object) -> None:
        pass

    def append(self, event: Event) -> None:
        pass
