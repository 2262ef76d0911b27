"""The shipped worker in a simulated process: its core, the link that it dials, tasks in virtual time."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence
from itertools import islice
from typing import Final

import msgspec

from coordinator.core import AcceptedHandshake
from tests.simulation import hostile
from tests.simulation.breach import BrokenError
from tests.simulation.clock import Clock
from tests.simulation.coordinator_process import SOME_MS, CoordinatorProcess
from tests.simulation.network import Connection, Wire
from tests.simulation.process import Process
from wire import events
from wire.codec import FrameDecoder, FrameEncoder, FrameLimits, session_keys
from wire.errors import CloseCode, FrameError
from wire.events import Journal
from wire.handshake import (
    NONCE_BYTES,
    HandshakeError,
    Hello,
    Welcome,
    read_welcome,
    write_hello,
    write_welcome,
)
from wire.messages import Checkpoint, CheckpointSaved, Frame, Heartbeat
from wire.settings import WorkerSettings
from wire.task_events import Assigned
from worker.core import WorkerCore
from worker.dependencies import Dependencies
from worker.effects import (
    Connect,
    Disconnect,
    Effect,
    ForgetCheckpoint,
    SaveCheckpoint,
    StartAttempt,
    StopAttempt,
    StopWorker,
)
from worker.session import ConnectFailure, SessionState

WORKER_END: Final = 0
_MS: Final = 1_000_000


class Steps(msgspec.Struct):
    """The work of a simulated task: the duration of each step in ms, and whether it fails at its end."""

    steps: int
    step_ms: float
    fails: bool = False


_steps = msgspec.json.Decoder(Steps)


class _Line:
    """A connection that was welcomed."""

    __slots__ = ("connection", "decoder", "encoder", "number")

    def __init__(
        self, number: int, connection: Connection, encoder: FrameEncoder, decoder: FrameDecoder
    ) -> None:
        self.number = number
        self.connection = connection
        self.encoder = encoder
        self.decoder = decoder


class WorkerProcess(Process):
    """After every call of the core it does what a shell does: effects first, then whatever is to be sent."""

    def __init__(
        self, name: str, clock: Clock, chance: random.Random, settings: WorkerSettings, key: bytes,
        journal: Journal, coordinator: CoordinatorProcess, wire: Wire,
    ) -> None:  # fmt: skip
        super().__init__(clock)
        self.name = name
        self.wire = wire
        self.core: WorkerCore | None = None
        self.connections: list[Connection] = []
        self.told_of_checkpoints: list[CheckpointSaved] = []
        self.loot: Sequence[Assigned] | None = None
        self._chance = chance
        self._settings = settings
        self._key = key
        self._journal = journal
        self._coordinator = coordinator
        self._disk: dict[str, Checkpoint] = {}
        self._line: _Line | None = None
        self._dialling: tuple[int, Connection] | None = None
        self._running: dict[int, StartAttempt] = {}
        self._wanted: set[int] = set()
        self._tick_at_ns = 0
        self._heard_ns = 0
        self._beats: list[int] = []
        self._saved_ns: dict[int, int] = {}
        self._is_leaving = False

    def start(self) -> None:
        """A process starts; its disk is what the last one left."""
        self.begin_life()
        self._line, self._dialling, self._running, self._wanted = None, None, {}, set()
        self._tick_at_ns, self._saved_ns, self._is_leaving = 0, {}, False
        self._journal(
            events.ProcessStarted, role="worker", incarnation=self.incarnation, settings=msgspec.Raw(b"{}")
        )
        ports = Dependencies(self._journal, self._chance, self._new_nonce, self.clock.wall_s, self._disk.get)
        self.core = WorkerCore(self.name, self.incarnation, self._settings, ports)
        self._do(self.core.on_start(self.clock.now_ns))

    @property
    def incarnation(self) -> str:
        """What its hellos say of this life."""
        return f"born-{self.born:06}"

    def _new_nonce(self) -> bytes:
        return self._chance.getrandbits(8 * NONCE_BYTES).to_bytes(NONCE_BYTES, "little")

    def kill(self) -> None:
        """SIGKILL."""
        self.end_life()
        self.core = None
        if self._line is not None:
            self._line.connection.close(WORKER_END, "reset")
        self._line, self._running = None, {}

    def drain(self) -> None:
        """SIGTERM."""
        assert self.core is not None
        self._is_leaving = True
        self._do(self.core.on_drain(self.clock.now_ns))

    def overlooked(self) -> str:
        """A lease that is over, or silence that is too long."""
        if self.core is None:
            return ""
        state, now_ns = self.core.state, self.clock.now_ns
        if state is SessionState.connected or state is SessionState.draining:
            silent_ns = now_ns - max(self._heard_ns, self.frozen_until_ns)
            if silent_ns > self._coordinator.silent_max_ms * _MS:
                return f"{self.name} has not noticed {silent_ns / _MS:.0f} ms of silence"
            quiet_ns = now_ns - max(self._beats[-1], self.frozen_until_ns) if self._beats else 0
            if quiet_ns > (self._coordinator.tempo.interval_ms + SOME_MS) * _MS:
                return f"{self.name} has sent no heartbeat for {quiet_ns / _MS:.0f} ms"
        if self._running and (over := self.without_lease()):
            return f"{self.name} works on {over[0]}, whose lease is over"
        return ""

    def without_lease(self) -> list[str]:
        """Tasks that run here though their lease ended, and this process had the time to see it."""
        if self.core is None:
            return []
        seen_ns = self.clock.now_ns - 2 * _MS
        if seen_ns < self.frozen_until_ns:
            return []
        live = self.core.live_tasks(seen_ns)
        return [task for start in self._running.values() if (task := start.assign.task_id) not in live]

    # -- effects -------------------------------------------

    def _do(self, effects: list[Effect]) -> None:
        for effect in effects:
            if self.core is None:
                return
            self._one(effect)
        self._send()
        self._plan_tick()

    def _one(self, effect: Effect) -> None:
        match effect:
            case Connect():
                self._dial(effect)
            case Disconnect():
                self._disconnect(effect)
            case StartAttempt():
                self._running[effect.assign.token] = effect
                step = effect.checkpoint.step if effect.checkpoint is not None else 0
                saved = self._disk.get(effect.assign.task_id)
                if saved is not None and saved.step > step:
                    raise BrokenError(
                        f"{self.name} begins at step {step}, and its disk has step {saved.step}"
                    )
                self._begun(effect, step)
                self._work(effect, step)
            case StopAttempt():
                self._running.pop(effect.token, None)
            case SaveCheckpoint():
                self._wanted.add(effect.token)
            case ForgetCheckpoint():
                self._disk.pop(effect.task_id, None)
            case StopWorker():
                self._left(effect)

    def _send(self) -> None:
        core, line = self.core, self._line
        if self.loot is not None and core is not None and line is not None:
            hostile.lie(core.channel, self.loot, self.name, self._chance, self.clock.now_ns)
        while core is not None and line is not None and line.number == core.connection and core.has_frame:
            frame = core.take_frame(self.clock.now_ns)
            if frame is None:
                return
            self._note_beat(frame)
            if self.loot is not None:
                frame = hostile.forged(frame, self.loot, self.name, self._chance)
            line.connection.send(WORKER_END, line.encoder.encode(frame))

    def _note_beat(self, frame: Frame) -> None:
        """Heartbeats keep their distance: what a pause left out is not sent afterwards. (The second comes a
        random part of an interval after the first.)
        """
        beats = [envelope for envelope in frame.envelopes if type(envelope.message) is Heartbeat]
        if not beats:
            return
        now_ns, least_ns = self.clock.now_ns, self._coordinator.tempo.interval_ms * _MS // 2
        if len(beats) > 1 or (len(self._beats) > 1 and now_ns - self._beats[-1] < least_ns):
            raise BrokenError(f"{self.name} sends {len(self._beats) + len(beats)} heartbeats in a burst")
        self._beats.append(now_ns)

    def _plan_tick(self) -> None:
        if self.core is None:
            return
        due_ns = self.core.next_deadline_ns()
        if due_ns is None or 0 < self._tick_at_ns <= due_ns:
            return
        self._tick_at_ns = due_ns

        def tick() -> None:
            if self._tick_at_ns != due_ns or self.core is None:
                return
            self._tick_at_ns = 0
            later_ns = self.core.next_deadline_ns()
            if later_ns is not None and later_ns > self.clock.now_ns:
                self._plan_tick()
            else:
                self._do(self.core.on_tick(self.clock.now_ns))

        self.clock.at(due_ns, self.inside(tick))

    # -- work ----------------------------------------------

    def _begun(self, start: StartAttempt, step: int) -> None:
        assign = start.assign
        self._saved_ns[assign.token] = self.clock.now_ns
        breach = self._coordinator.steps.started(assign.task_id, assign.token, assign.reached_step, step)
        if breach:
            raise BrokenError(breach)

    def _work(self, start: StartAttempt, step: int) -> None:
        what = _steps.decode(start.assign.params)
        token = start.assign.token
        if step >= what.steps:
            self.soon(0, lambda: self._finish(token, what))
            return
        self.soon(int(what.step_ms * _MS), lambda: self._step(start, step + 1, what))

    def _step(self, start: StartAttempt, step: int, what: Steps) -> None:
        token = start.assign.token
        if token not in self._running or self.core is None:
            return
        self._coordinator.steps.stepped(start.assign.task_id, token, step)
        is_last = step == what.steps
        self._do(self.core.on_step_done(self.clock.now_ns, token, step, last=is_last))
        self._check_saving(token, is_last=is_last)
        if token in self._wanted:
            self._wanted.discard(token)
            state = f"{start.assign.task_id}:{step}".encode()
            checkpoint = Checkpoint(step, state, hashlib.sha256(state).digest())
            self.soon(_MS, lambda: self._saved(start, checkpoint))
        self._work(start, step)

    def _check_saving(self, token: int, *, is_last: bool) -> None:
        """A checkpoint is requested at its interval, and not before, unless the worker drains."""
        if self.core is None or token not in self._running or is_last:
            return
        age_ns = self.clock.now_ns - self._saved_ns[token]
        is_due = age_ns >= self._settings.checkpoint_every_ms * _MS
        if is_due and token not in self._wanted:
            raise BrokenError(f"{self.name}: the checkpoint of {token} is {age_ns / _MS:.0f} ms old")
        if token in self._wanted and not is_due and not self._is_leaving:
            raise BrokenError(f"{self.name} saves {token} again after {age_ns / _MS:.0f} ms")

    def _saved(self, start: StartAttempt, checkpoint: Checkpoint) -> None:
        token = start.assign.token
        self._disk[start.assign.task_id] = checkpoint
        if token in self._running and self.core is not None:
            self._saved_ns[token] = self.clock.now_ns
            self._do(self.core.on_checkpoint_written(self.clock.now_ns, token, checkpoint))

    def _finish(self, token: int, what: Steps) -> None:
        start = self._running.pop(token, None)
        if start is None or self.core is None:
            return
        error = "meant to fail" if what.fails else ""
        self._do(self.core.on_finished(self.clock.now_ns, token, b"null", error))
        if start.assign.task_id in self._disk:
            raise BrokenError(f"{self.name} finished {start.assign.task_id}, and leaves its checkpoint")

    def _note_acknowledged(self, core: WorkerCore, before: list[CheckpointSaved]) -> None:
        """Note the checkpoints that the core does not keep any more: the coordinator said that it has
        them.
        """
        if before:
            kept = {id(message) for message in core.channel.pending()}
            self.told_of_checkpoints += [message for message in before if id(message) not in kept]

    def _left(self, stop: StopWorker) -> None:
        """The process ends by itself: in order, it holds nothing any more."""
        if stop.reason == "drained" and self.core is not None and self.core.held:
            raise BrokenError(f"{self.name} left in order, with {self.core.held} attempts in its hands")
        self.kill()

    # -- the link ------------------------------------------

    def _dial(self, effect: Connect) -> None:
        if self._line is not None:
            self._line.connection.close(WORKER_END, "closed")
            self._line = None
        number = effect.connection
        connection = Connection(self.clock, self._chance, self.wire)
        self._listen(connection, number)
        self.connections = [*self.connections[-3:], connection]
        self._dialling = (number, connection)
        delay_ns = int(self.wire.delay_ns(self._chance) * 2)
        if self.wire.refusing or not self._coordinator.is_alive:
            self.soon(delay_ns, lambda: self._failed(number, ConnectFailure("refused", "connection refused")))
            return
        if self.wire.silent:
            return
        written = write_hello(effect.hello, self._key)
        value = self._maybe_damaged(written)
        is_whole = value == written
        self.clock.after(
            delay_ns,
            self._coordinator.inside(
                lambda: self._arrive(number, effect.hello, value, connection, is_whole=is_whole)
            ),
        )

    def _listen(self, connection: Connection, number: int) -> None:
        connection.attach(
            self.inside_with(lambda data: self._receive(number, data)),
            self.inside_with(lambda why: self._closed(number, why)),
        )

    def _arrive(
        self, number: int, hello: Hello, value: str, connection: Connection, *, is_whole: bool
    ) -> None:
        """The upgrade request reaches the coordinator."""
        delay_ns = int(self.wire.delay_ns(self._chance))
        answer = self._coordinator.hello(value, hello if is_whole else None, connection)
        if isinstance(answer, AcceptedHandshake):
            self._coordinator.listen(connection, answer.connection)
            header = self._maybe_damaged(write_welcome(answer.welcome, self._key, answer.hello))
            if self.wire.silent:
                self._coordinator.settle_after_hello()
                return
            connection.ends[WORKER_END].free_at_ns = self.clock.now_ns + delay_ns + 1
            self.clock.after(delay_ns, self.inside(lambda: self._welcomed(number, hello, header, connection)))
        elif not self.wire.silent:
            failure = ConnectFailure("status", answer.refusal.reason, answer.status, answer.refusal)
            self.soon(delay_ns, lambda: self._failed(number, failure))
        self._coordinator.settle_after_hello()

    def _welcomed(self, number: int, hello: Hello, header: str, connection: Connection) -> None:
        if self.core is None or self._dialling is None or self._dialling[0] != number:
            connection.close(WORKER_END, "closed")
            return
        self._dialling = None
        try:
            welcome: Welcome = read_welcome(header, self._key, hello)
        except HandshakeError as error:
            connection.close(WORKER_END, "reset")
            self._failed(number, ConnectFailure("handshake", error.detail))
            return
        nonces = hello.nonce + welcome.nonce
        keys = session_keys(self._key, welcome.session, welcome.epoch, nonces)
        self._line = _Line(
            number, connection, FrameEncoder(keys.to_coordinator, compress=welcome.compress),
            FrameDecoder(keys.to_worker, FrameLimits()),
        )  # fmt: skip
        self._heard_ns, self._beats = self.clock.now_ns, []
        core, checkpoints = self.core, _checkpoints_kept(self.core)
        effects = core.on_connected(self.clock.now_ns, number, welcome)
        self._note_acknowledged(core, checkpoints)
        self._do(effects)

    def _failed(self, number: int, failure: ConnectFailure) -> None:
        if self.core is not None:
            self._do(self.core.on_connect_failed(self.clock.now_ns, number, failure))

    def _receive(self, number: int, data: bytes) -> None:
        line = self._line
        if self.core is None or line is None or line.number != number:
            return
        try:
            frame = line.decoder.decode(data)
        except FrameError as error:
            self._do(self.core.on_bad_frame(self.clock.now_ns, number, error))
            return
        self._heard_ns = self.clock.now_ns
        line.connection.accepted(WORKER_END, data)
        core, checkpoints = self.core, _checkpoints_kept(self.core)
        effects = core.on_frame(self.clock.now_ns, number, frame)
        self._note_acknowledged(core, checkpoints)
        self._do(effects)

    def _closed(self, number: int, why: str) -> None:
        if self.core is None:
            return
        if self._dialling is not None and self._dialling[0] == number:
            self._dialling = None
            self._failed(number, ConnectFailure("reset", why))
            return
        if self._line is not None and self._line.number == number:
            self._line = None
        code = int(why[5:]) if why.startswith("code ") else 0
        self._do(self.core.on_closed(self.clock.now_ns, number, "closed" if code else why, why, code))

    def _disconnect(self, effect: Disconnect) -> None:
        for held in (self._line, self._dialling):
            number = held.number if isinstance(held, _Line) else held[0] if held is not None else None
            if number == effect.connection and held is not None:
                connection = held.connection if isinstance(held, _Line) else held[1]
                normal = effect.code == CloseCode.normal
                connection.close(WORKER_END, "closed" if normal else f"code {effect.code}")
                if isinstance(held, _Line):
                    self._line = None
                else:
                    self._dialling = None

    def _maybe_damaged(self, value: str) -> str:
        if self._chance.random() >= self.wire.damage:
            return value
        at = self._chance.randrange(len(value))
        return value[:at] + ("A" if value[at] != "A" else "B") + value[at + 1 :]


def _checkpoints_kept(core: WorkerCore) -> list[CheckpointSaved]:
    """The checkpoints that were sent, and are not acknowledged yet. (One that waits may be dropped.)"""
    if not core.channel.in_flight:
        return []
    in_flight = islice(core.channel.pending(), core.channel.in_flight)
    return [message for message in in_flight if type(message) is CheckpointSaved]
