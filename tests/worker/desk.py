"""Drives a worker's core by hand: a clock that a test turns, a coordinator's end of the channel, and all that
was done.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any, TypeVar

import msgspec

from wire.channel import Channel
from wire.events import Event, Journal
from wire.handshake import Backoff, Refusal, Welcome
from wire.messages import Assign, Checkpoint, LeasesRenewed, Message
from wire.messages import Heartbeat as Beat
from wire.priority import Priority
from wire.settings import WorkerSettings
from worker.checkpoints import checkpoint_of
from worker.core import WorkerCore
from worker.dependencies import Dependencies
from worker.effects import Connect, Effect, SaveCheckpoint, StartAttempt, StopWorker
from worker.session import ConnectFailure

MS = 1_000_000
STAMP = ("at_ns", "wall_s", "by")
E = TypeVar("E")


class RecordedJournal(Journal):
    """Keeps the name and the fields of each event."""

    def __init__(self, kept: list[tuple[str, dict[str, Any]]]) -> None:
        super().__init__("", lambda line: None, lambda: 0, lambda: 0.0)
        self._kept = kept

    def append(self, event: Event) -> None:
        fields = msgspec.structs.asdict(event)
        self._kept.append(
            (type(event).__name__, {name: fields[name] for name in fields if name not in STAMP})
        )


class Desk:
    """Times are milliseconds. `effects` and `events` grow; `heard` is what the coordinator's end took in."""

    def __init__(self, **settings: Any) -> None:
        self.now_ns = 1_000 * MS
        self.effects: list[Effect] = []
        self.events: list[tuple[str, dict[str, Any]]] = []
        self.heard: list[Message] = []
        self.kept: dict[str, Checkpoint] = {}
        self.channel = Channel()
        self.session = ""
        self._sessions = 0
        chance = random.Random(1)
        ports = Dependencies(
            RecordedJournal(self.events), chance, lambda: chance.randbytes(16), lambda: 0.0, self.kept.get
        )
        self.core = WorkerCore("worker-1", "life", WorkerSettings(**settings), ports)

    # -- the shell's part ----------------------------------

    @property
    def now_ms(self) -> float:
        return self.now_ns / MS

    @now_ms.setter
    def now_ms(self, now_ms: float) -> None:
        self.now_ns = round(now_ms * MS)

    def do(self, effects: list[Effect]) -> list[Effect]:
        """Keep the effects of a call; the core checks itself after it."""
        self.core.check()
        self.effects += effects
        return effects

    def start(self) -> Connect:
        self.do(self.core.on_start(self.now_ns))
        return self.last(Connect)

    def connected(
        self,
        outcome: str = "fresh",
        *,
        new_stream: bool = False,
        received: int | None = None,
        number: int = 0,
    ) -> None:
        """Answer the dialling that goes on, or dialling `number`."""
        if outcome != "resumed":
            self._sessions += 1
            self.session, self.channel = f"s{self._sessions}", Channel()
            self.channel.resume(0, 512)
        else:
            if new_stream:
                self.channel = Channel(received=self.channel.committed)
            resume = self.last(Connect).hello.resume
            assert resume is not None
            self.channel.resume(0 if new_stream else resume.received, 512)
        at = self.channel.committed if received is None else received
        welcome = Welcome(
            outcome,
            "",
            self.session,
            1,
            bytes(16),
            at,
            new_stream,
            512,
            2_000,
            4_000,
            Backoff(100, 1_000),
            True,
        )
        self.do(self.core.on_connected(self.now_ns, number or self.core.connection, welcome))

    def up(self) -> Desk:
        """Start, connect, and let the first frames go."""
        self.start()
        self.connected()
        self.exchange()
        return self

    def failed(self, kind: str = "refused", refusal: Refusal | None = None) -> None:
        self.do(
            self.core.on_connect_failed(
                self.now_ns, self.core.connection, ConnectFailure(kind, "no", 0, refusal)
            )
        )

    def closed(self, kind: str = "reset", code: int = 0) -> None:
        self.do(self.core.on_closed(self.now_ns, self.core.connection, kind, "gone", code))

    def come_back(self, outcome: str = "resumed", **more: Any) -> None:
        """Wait out the delay, and be taken in again."""
        self.until_state("connecting")
        self.connected(outcome, **more)

    def exchange(self, *unnumbered: Message) -> None:
        """Deliver frames both ways until neither side has one. Heartbeats are answered."""
        answers: list[Message] = list(unnumbered)
        for _ in range(100):
            quiet = True
            for frame in self.frames():
                quiet = False
                arrived, _ = self.channel.receive(frame)
                self.channel.commit(self.channel.received)
                self.heard += arrived
                answers += [
                    LeasesRenewed(beat.sent_ns, 10_000, [each.token for each in beat.progress])
                    for beat in arrived
                    if isinstance(beat, Beat)
                ]
            if quiet and not answers and not self.channel.has_more():
                return
            frame = self.channel.take(self.now_ns, tuple(answers))
            answers = []
            self.do(self.core.on_frame(self.now_ns, self.core.connection, frame))
        raise AssertionError("they talk for ever")

    def frames(self) -> Iterator[Any]:
        """What the worker sends now."""
        while (frame := self.core.take_frame(self.now_ns)) is not None:
            yield frame

    def pass_ms(self, ms: float, *, answered: bool = True) -> None:
        """Let time pass, with a tick at every deadline; the link works while `answered`."""
        end_ns = self.now_ns + round(ms * MS)
        for _ in range(100_000):
            deadline_ns = self.core.next_deadline_ns()
            if deadline_ns is None or deadline_ns > end_ns:
                self.now_ns = end_ns
                return
            self.now_ns = max(self.now_ns, deadline_ns)
            self.do(self.core.on_tick(self.now_ns))
            if answered:
                self.exchange()
        raise AssertionError("deadlines without end")

    def until_state(self, state: str) -> None:
        for _ in range(1_000):
            if self.core.state == state:
                return
            deadline_ns = self.core.next_deadline_ns()
            assert deadline_ns is not None, f"never {state}"
            self.now_ns = max(self.now_ns, deadline_ns)
            self.do(self.core.on_tick(self.now_ns))
        raise AssertionError(f"never {state}")

    # -- the coordinator's part ----------------------------

    def assign(self, token: int = 1, task_id: str = "", **more: Any) -> Assign:
        """Hand out an attempt."""
        fields = {"kind": "noop", "params": b"{}", "priority": Priority.normal, "attempt": 1}
        fields |= {"lease_ms": 10_000, "timeout_ms": 0} | more
        assign = Assign(task_id or f"t{token}", token, **fields)  # type: ignore[arg-type]
        self.say(assign)
        return assign

    def say(self, message: Message) -> None:
        """Send a numbered message, and exchange what follows."""
        self.channel.send(message, Priority.normal, self.now_ns, always=True)
        if self.core.state in ("connected", "draining"):
            self.exchange()

    def finish(self, token: int, output: bytes = b"1", error: str = "") -> None:
        """An attempt ends."""
        self.do(self.core.on_finished(self.now_ns, token, output, error))

    def step(self, token: int, number: int, *, last: bool = False) -> None:
        """A step ends; where a checkpoint is wanted, it is written at once."""
        for effect in self.do(self.core.on_step_done(self.now_ns, token, number, last=last)):
            if isinstance(effect, SaveCheckpoint):
                written = checkpoint_of(effect.step, b"state %d" % effect.step)
                self.do(self.core.on_checkpoint_written(self.now_ns, effect.token, written))

    # -- what came of it -----------------------------------

    def all(self, kind: type[E]) -> list[E]:
        """Effects of one kind."""
        return [effect for effect in self.effects if isinstance(effect, kind)]

    def last(self, kind: type[E]) -> E:
        return self.all(kind)[-1]

    def said(self, kind: type[E]) -> list[E]:
        """Messages of one kind that the coordinator took in."""
        return [message for message in self.heard if isinstance(message, kind)]

    def journal(self, kind: type[Event]) -> list[dict[str, Any]]:
        """The fields of every event of one kind."""
        return [fields for name, fields in self.events if name == kind.__name__]

    @property
    def started(self) -> list[int]:
        """Tokens of attempts that were started."""
        return [effect.assign.token for effect in self.all(StartAttempt)]

    @property
    def stopped(self) -> bool:
        """Whether the worker ended."""
        return bool(self.all(StopWorker))
