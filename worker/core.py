"""Every decision of a worker, without a socket, a disk or a clock: the shell drives it, and so does the
simulation.

Each `on_…` takes the monotonic time and what happened, and returns what is to be done. After each call the
shell sends what `take_frame` gives while `has_frame`, and calls `on_tick` at `next_deadline_ns` at the
latest. Everything about a connection names its number; what an older one still says changes nothing.
"""

from __future__ import annotations

from typing import Final

from wire import events
from wire.channel import Bounds, Channel
from wire.codec import PROTOCOL_VERSION
from wire.handshake import Hello, Resume, Welcome, is_terminal
from wire.messages import Assign, Checkpoint, Frame, GoAway, Goodbye, LeasesRenewed, Message, Revoke
from wire.priority import Priority
from wire.refusals import CloseCode, FrameError, FrameFault
from wire.settings import WorkerSettings
from worker.effects import Connect, Disconnect, Effect, Stop
from worker.leaving import Leaving
from worker.losses import SEQUENCE_FAULTS, Failure, kind_of_loss
from worker.ports import Ports
from worker.reconnect import Reconnect
from worker.session import Happening, State, after
from worker.standing import Standing
from worker.work import Work

__all__ = ["Core", "Failure"]

_MS: Final = 1_000_000


class Core:
    """One worker: its session with the coordinator, and the work it holds."""

    def __init__(self, name: str, incarnation: str, settings: WorkerSettings, ports: Ports) -> None:
        self._name = name
        self._incarnation = incarnation
        self._settings = settings
        self._ports = ports
        self._record = ports.record
        self._reconnect = Reconnect(settings, ports.random)
        self._channel = Channel(Bounds(waiting=settings.waiting_messages))
        self._work = Work(settings, self._channel, ports)
        self._state = State.idle
        self._session: tuple[str, int] | None = None
        self._standing: Standing | None = None
        self._leaving: Leaving | None = None
        self._connection = 0
        self._dialled_ns = 0
        self._due_ns = 0
        self._planned_ns: int | None = None
        self._acked = 0

    # -- the session's life --------------------------------

    def on_start(self, now_ns: int) -> list[Effect]:
        """The process is up: dial."""
        self._state = after(self._state, Happening.start)
        return self._dial(now_ns)

    def on_connected(self, now_ns: int, connection: int, welcome: Welcome) -> list[Effect]:
        """The coordinator took us in."""
        if connection != self._connection or self._state is not State.connecting:
            return [Disconnect(connection, CloseCode.normal, "dialled anew meanwhile")]
        in_flight = self._channel.in_flight
        try:
            acknowledged = self._enter(welcome)
        except FrameError as error:
            self._session = None
            close = Disconnect(connection, CloseCode.bad_frame, error.fault)
            return [close, *self._failed(now_ns, Failure("handshake", str(error)))]
        self._work.acknowledged(now_ns, acknowledged)
        happening = Happening.welcomed if self._leaving is None else Happening.welcomed_leaving
        self._state = after(self._state, happening)
        self._session = (welcome.session, welcome.epoch)
        self._acked = self._channel.committed
        self._reconnect.advised(welcome.backoff)
        self._standing = Standing(
            now_ns, self._dialled_ns, welcome, self._ports.random.random(),
            adaptive=self._settings.adaptive_heartbeat, leaving=self._leaving is not None,
        )  # fmt: skip
        self._record(
            events.Connected, attempt=self._reconnect.attempt, session=welcome.session, epoch=welcome.epoch,
            outcome=welcome.outcome, because=welcome.because, handshake_ms=(now_ns - self._dialled_ns) / _MS,
            replayed=in_flight - len(acknowledged),
        )  # fmt: skip
        return self._leave_if_done(now_ns)

    def on_connect_failed(self, now_ns: int, connection: int, failure: Failure) -> list[Effect]:
        """Dialling led to no session."""
        if connection != self._connection or self._state is not State.connecting:
            return []
        return self._failed(now_ns, failure)

    def on_frame(self, now_ns: int, connection: int, frame: Frame) -> list[Effect]:
        """A frame came in whole and unaltered."""
        standing = self._standing
        if standing is None or connection != self._connection:
            return []
        standing.heard(now_ns)
        try:
            arrived, acknowledged = self._channel.receive(frame)
        except FrameError as error:
            return self.on_bad_frame(now_ns, connection, error)
        self._channel.commit(self._channel.received)
        self._work.acknowledged(now_ns, acknowledged)
        effects: list[Effect] = []
        for message in arrived:
            effects += self._on_message(now_ns, standing, message)
        return effects + self._leave_if_done(now_ns)

    def on_bad_frame(self, now_ns: int, connection: int, error: FrameError) -> list[Effect]:
        """Something came in that must not be believed: close, come back, resume, or begin anew where the
        numbers disagree.
        """
        if self._standing is None or connection != self._connection:
            return []
        self._record(events.FrameRefused, peer="coordinator", fault=error.fault, detail=error.detail)
        if error.fault in SEQUENCE_FAULTS:
            self._session = None
        close = Disconnect(connection, CloseCode.bad_frame, error.fault)
        return [close, *self._lost(now_ns, "bad_frame", str(error), CloseCode.bad_frame)]

    def on_closed(self, now_ns: int, connection: int, kind: str, detail: str, code: int = 0) -> list[Effect]:
        """The connection ended: `kind` is reset or closed; a close frame's `code` says more."""
        standing = self._standing
        if standing is None or connection != self._connection:
            return []
        if self._leaving is not None and self._leaving.said_goodbye:
            return self._stop(now_ns, "drained")
        kind = kind_of_loss(kind, code, going_away=standing.going_away)
        effects: list[Effect] = []
        if code == CloseCode.superseded:
            # Another process has this name, and what was held here is being given to others.
            effects = self._work.stop_all(now_ns, "another process has this worker's name")
        return effects + self._lost(now_ns, kind, detail, code)

    def on_drain(self, now_ns: int) -> list[Effect]:
        """Told to leave: finish or hand back within the time for it, say goodbye, stop."""
        if self._leaving is not None or self._state is State.stopped:
            return []
        self._leaving = Leaving(now_ns, self._settings.drain_timeout_ms)
        if self._state is not State.idle:
            self._state = after(self._state, Happening.leave)
        if self._standing is not None:
            self._standing.leave()
        return self._work.drain(now_ns) + self._leave_if_done(now_ns)

    # -- the executor says ---------------------------------
    # Leases come first in each: after a pause of the process, the executor may be heard before the clock.

    def on_finished(self, now_ns: int, token: int, output: bytes, error: str) -> list[Effect]:
        """An attempt ran to its end; `error` is "" when it went well."""
        return self._work.tick(now_ns) + self._work.finished(now_ns, token, output, error)

    def on_step_done(self, now_ns: int, token: int, step: int, *, last: bool) -> list[Effect]:
        """An attempt finished a step; where SaveCheckpoint comes back, its state is wanted as it stands
        now.
        """
        return self._work.tick(now_ns) + self._work.step_done(now_ns, token, step, last=last)

    def on_checkpoint_written(self, now_ns: int, token: int, checkpoint: Checkpoint) -> list[Effect]:
        """What SaveCheckpoint asked for is on the disk."""
        effects = self._work.tick(now_ns) + self._work.checkpoint_written(now_ns, token, checkpoint)
        return effects + self._leave_if_done(now_ns)

    # -- time passes ---------------------------------------

    def on_tick(self, now_ns: int) -> list[Effect]:
        """Look at every clock that runs."""
        effects = self._work.tick(now_ns)
        if self._state is State.waiting and now_ns >= self._due_ns:
            self._state = after(self._state, Happening.due)
            effects += self._dial(now_ns)
        elif self._state is State.connecting and now_ns >= self._due_ns:
            waited_ms = self._settings.connect_timeout_ms
            effects.append(Disconnect(self._connection, CloseCode.normal, "timeout"))
            effects += self._failed(now_ns, Failure("timeout", f"no session within {waited_ms} ms"))
        elif self._standing is not None:
            late_ns = now_ns - self._planned_ns if self._planned_ns is not None else 0
            if self._standing.is_dead(now_ns, late_ns):
                detail = f"nothing heard for {self._standing.silent_ms(now_ns):.0f} ms"
                effects.append(Disconnect(self._connection, CloseCode.heartbeat_timeout, detail))
                effects += self._lost(now_ns, "heartbeat_timeout", detail)
        return effects + self._tick_leaving(now_ns)

    def next_deadline_ns(self) -> int | None:
        """When `on_tick` is due; None while nothing can happen by itself."""
        due_ns = self._work.attempts.check_at_ns()
        if self._state is State.waiting or self._state is State.connecting:
            due_ns = _earlier(due_ns, self._due_ns)
        if self._standing is not None:
            due_ns = _earlier(due_ns, self._standing.deadline_ns())
        if self._leaving is not None and self._state is not State.stopped:
            due_ns = _earlier(due_ns, self._leaving.deadline_ns())
        self._planned_ns = due_ns
        return due_ns

    # -- going out -----------------------------------------

    @property
    def has_frame(self) -> bool:
        """Whether there is something to send now."""
        return self._standing is not None and (
            self._standing.has_something_due
            or self._channel.committed != self._acked
            or self._channel.has_more()
        )

    def take_frame(self, now_ns: int) -> Frame | None:
        """The next frame for the connection that stands, or None."""
        if self._standing is None or not self.has_frame:
            return None
        frame = self._channel.take(now_ns, self._standing.due(now_ns, self._work.attempts))
        self._acked = frame.ack
        return frame

    # -- to look at ----------------------------------------

    @property
    def state(self) -> State:
        """Where the session stands."""
        return self._state

    @property
    def connection(self) -> int:
        """The number of the newest connection."""
        return self._connection

    @property
    def channel(self) -> Channel:
        """For its counts."""
        return self._channel

    @property
    def held(self) -> int:
        """Attempts held."""
        return len(self._work.attempts)

    def live_tasks(self, now_ns: int) -> list[str]:
        """Tasks that may be worked on here at `now_ns`: their lease runs and they are not finished."""
        return self._work.attempts.live_tasks(now_ns)

    def check(self) -> None:
        """Raise AssertionError where the books disagree with what is held. O(all of it); for tests and
        simulations, after any call.
        """
        self._channel.check()
        self._work.check()
        stands = self._state is State.connected or self._state is State.draining
        assert stands == (self._standing is not None), f"{self._state}, with connection {self._connection}"

    # -- connecting and losing -----------------------------

    def _dial(self, now_ns: int) -> list[Effect]:
        self._connection += 1
        self._dialled_ns = now_ns
        self._due_ns = now_ns + self._settings.connect_timeout_ms * _MS
        attempt = self._reconnect.dialling()
        self._record(events.Connecting, attempt=attempt)
        resume = None
        if self._session is not None:
            resume = Resume(*self._session, received=self._channel.received)
        hello = Hello(
            PROTOCOL_VERSION, self._name, self._incarnation, self._ports.new_nonce(), self._ports.wall_s(),
            self._settings.slots, self._settings.prefetch, self._settings.compress, resume,
        )  # fmt: skip
        return [Connect(self._connection, attempt, hello)]

    def _enter(self, welcome: Welcome) -> list[Message]:
        """Make the channel fit the welcome; returns what the coordinator turned out to have."""
        if welcome.outcome != "resumed":
            self._channel.restart(welcome.credit)
            return []
        if self._session is None or self._session[0] != welcome.session:
            raise FrameError(FrameFault.sequence_gap, f"resumed {welcome.session}, which was not asked for")
        acknowledged = self._channel.resume(welcome.received, welcome.credit)
        if welcome.new_stream:
            self._channel.restart_incoming()
        return acknowledged

    def _on_message(self, now_ns: int, standing: Standing, message: Message) -> list[Effect]:
        match message:
            case Assign():
                return self._work.assigned(now_ns, message, standing.lease_from_ns)
            case LeasesRenewed():
                standing.answered(now_ns, message)
                self._work.renewed(message)
            case Revoke():
                return self._work.revoked(now_ns, message)
            case GoAway():
                standing.going_away = True
                self._reconnect.told(now_ns, message.reconnect_after_ms)
            case _:
                pass  # Whatever else comes is for coordinators, and changes nothing here.
        return []

    def _failed(self, now_ns: int, failure: Failure) -> list[Effect]:
        refusal = failure.refusal
        retry_after_ms = refusal.retry_after_ms if refusal is not None else 0
        self._record(
            events.ConnectFailed, attempt=self._reconnect.attempt, kind=failure.kind, detail=failure.detail,
            status=failure.status, retry_after_ms=retry_after_ms,
        )  # fmt: skip
        if refusal is not None and is_terminal(refusal):
            self._record(events.GaveUp, reason=refusal.reason, detail=refusal.detail)
            self._state = after(self._state, Happening.refused_for_good)
            return [
                *self._work.stop_all(now_ns, "refused for good"),
                Stop(1, f"{refusal.reason}: {refusal.detail}"),
            ]
        if retry_after_ms > 0:
            self._reconnect.told(now_ns, retry_after_ms)
        self._state = after(self._state, Happening.failed)
        return self._wait(now_ns)

    def _lost(self, now_ns: int, kind: str, detail: str, code: int = 0) -> list[Effect]:
        standing = self._parted(now_ns, kind, detail, code)
        self._state = after(self._state, Happening.lost)
        self._reconnect.lost(standing.lived_ns(now_ns), standing.welcome.heartbeat_timeout_ms)
        return self._wait(now_ns)

    def _parted(self, now_ns: int, kind: str, detail: str, code: int = 0) -> Standing:
        standing = self._standing
        assert standing is not None
        self._record(
            events.Lost, session=standing.welcome.session, kind=kind, detail=detail,
            silent_ms=standing.silent_ms(now_ns), code=int(code),
        )  # fmt: skip
        self._standing = None
        return standing

    def _wait(self, now_ns: int) -> list[Effect]:
        delay_ms = self._reconnect.next_delay_ms(now_ns)
        self._due_ns = now_ns + int(delay_ms * _MS)
        attempt = self._reconnect.attempt + 1
        self._record(events.Waiting, attempt=attempt, delay_ms=delay_ms, policy=self._settings.policy)
        if self._leaving is not None:
            self._leaving.said_goodbye = False
        return self._leave_if_done(now_ns)

    # -- leaving -------------------------------------------

    def _tick_leaving(self, now_ns: int) -> list[Effect]:
        leaving = self._leaving
        if leaving is None or self._state is State.stopped:
            return []
        if now_ns >= leaving.end_ns:
            return self._stop(now_ns, f"drained as far as {leaving.timeout_ms} ms allowed")
        effects: list[Effect] = []
        if now_ns >= leaving.hard_stop_ns and not leaving.stopped_work:
            leaving.stopped_work = True
            effects += self._work.stop_all(now_ns, "no time left")
        return effects + self._leave_if_done(now_ns)

    def _leave_if_done(self, now_ns: int) -> list[Effect]:
        """Once all that was begun is told and acknowledged: goodbye, and when that is acknowledged too, the
        end.
        """
        leaving = self._leaving
        if leaving is None or self._state is State.stopped or self._channel.depth > 0 or self._work.is_busy:
            return []
        if self._state is not State.draining or leaving.said_goodbye:
            return self._stop(now_ns, "drained")
        leaving.said_goodbye = True
        self._channel.send(Goodbye("drained"), Priority.critical, now_ns, always=True)
        return []

    def _stop(self, now_ns: int, reason: str) -> list[Effect]:
        if self._standing is not None:
            self._parted(now_ns, "stopped", reason, CloseCode.normal)
        self._state = after(self._state, Happening.left)
        return [Disconnect(self._connection, CloseCode.normal, reason), Stop(0, reason)]


def _earlier(due_ns: int | None, other_ns: int) -> int:
    return other_ns if due_ns is None or other_ns < due_ns else due_ns
