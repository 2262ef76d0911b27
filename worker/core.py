"""Every decision of a worker, without a socket, a disk or a clock: the runtime drives it, and so does the
simulation.

Each `on_…` takes the monotonic time and an event, and returns the effects to carry out. After each call the
runtime sends the frames of `take_frame` while `has_frame`, and calls `on_tick` at `next_deadline_ns` at the
latest. Events of a connection name its number; those of an older connection have no effect.
"""

from __future__ import annotations

from typing import Final

from wire import events
from wire.channel import Bounds, Channel
from wire.codec import PROTOCOL_VERSION
from wire.errors import CloseCode, FrameError, FrameFault
from wire.handshake import Hello, Resume, Welcome, is_terminal
from wire.messages import Assign, Checkpoint, Frame, GoAway, Goodbye, LeasesRenewed, Message, Revoke
from wire.priority import Priority
from wire.settings import WorkerSettings
from worker.attempts import AttemptTable
from worker.dependencies import Dependencies
from worker.effects import Connect, Disconnect, Effect, StopWorker
from worker.reconnect import ReconnectState
from worker.session import (
    SEQUENCE_FAULTS,
    ActiveConnection,
    ConnectFailure,
    DrainState,
    SessionEvent,
    SessionState,
    disconnect_reason,
    transition,
)
from worker.task_manager import TaskManager

_MS: Final = 1_000_000


class WorkerCore:
    """One worker: its session with the coordinator, and the attempts it holds.

    Args:
        name: the worker's name, unique in the fleet.
        incarnation: unique for each start of the process.
        settings: reconnection policy, slots, bounds.
        dependencies: randomness, wall time, journal, checkpoints on the disk.
    """

    def __init__(
        self, name: str, incarnation: str, settings: WorkerSettings, dependencies: Dependencies
    ) -> None:
        self._name = name
        self._incarnation = incarnation
        self._settings = settings
        self._dependencies = dependencies
        self._record = dependencies.record
        self._reconnect = ReconnectState(settings, dependencies.random)
        self._channel = Channel(Bounds(waiting=settings.waiting_messages))
        self._tasks = TaskManager(settings, self._channel, dependencies)
        self._state = SessionState.idle
        self._session: tuple[str, int] | None = None
        self._active: ActiveConnection | None = None
        self._drain: DrainState | None = None
        self._connection = 0
        self._dialled_ns = 0
        self._due_ns = 0
        self._planned_tick_ns: int | None = None
        self._acked = 0

    # -- session -------------------------------------------

    def on_start(self, now_ns: int) -> list[Effect]:
        """Dial for the first time."""
        self._state = transition(self._state, SessionEvent.start)
        return self._dial(now_ns)

    def on_connected(self, now_ns: int, connection: int, welcome: Welcome) -> list[Effect]:
        """Enter the session of a welcome: resume it, or begin a new one."""
        if connection != self._connection or self._state is not SessionState.connecting:
            return [Disconnect(connection, CloseCode.normal, "superseded by a newer dial")]
        in_flight = self._channel.in_flight
        try:
            acknowledged = self._resume_channel(welcome)
        except FrameError as error:
            self._session = None
            close = Disconnect(connection, CloseCode.bad_frame, error.fault)
            return [close, *self._failed(now_ns, ConnectFailure("handshake", str(error)))]
        self._tasks.on_acknowledged(now_ns, acknowledged)
        event = SessionEvent.welcomed if self._drain is None else SessionEvent.welcomed_leaving
        self._state = transition(self._state, event)
        self._session = (welcome.session, welcome.epoch)
        self._acked = self._channel.committed
        self._reconnect.set_advice(welcome.backoff)
        self._active = ActiveConnection(
            now_ns, self._dialled_ns, welcome, self._dependencies.random.random(),
            adaptive=self._settings.adaptive_heartbeat, leaving=self._drain is not None,
        )  # fmt: skip
        self._record(
            events.Connected, attempt=self._reconnect.attempt, session=welcome.session, epoch=welcome.epoch,
            outcome=welcome.outcome, because=welcome.because, handshake_ms=(now_ns - self._dialled_ns) / _MS,
            replayed=in_flight - len(acknowledged),
        )  # fmt: skip
        return self._stop_if_drained(now_ns)

    def on_connect_failed(self, now_ns: int, connection: int, failure: ConnectFailure) -> list[Effect]:
        """Schedule the next attempt, or stop where the refusal is terminal."""
        if connection != self._connection or self._state is not SessionState.connecting:
            return []
        return self._failed(now_ns, failure)

    def on_frame(self, now_ns: int, connection: int, frame: Frame) -> list[Effect]:
        """Handle an authentic frame: acknowledge, and handle each message that is new and in sequence."""
        active = self._active
        if active is None or connection != self._connection:
            return []
        active.on_frame(now_ns)
        try:
            arrived, acknowledged = self._channel.receive(frame)
        except FrameError as error:
            return self.on_bad_frame(now_ns, connection, error)
        self._channel.commit(self._channel.received)
        self._tasks.on_acknowledged(now_ns, acknowledged)
        effects: list[Effect] = []
        for message in arrived:
            effects += self._on_message(now_ns, active, message)
        return effects + self._stop_if_drained(now_ns)

    def on_bad_frame(self, now_ns: int, connection: int, error: FrameError) -> list[Effect]:
        """Close the connection after a frame that is damaged or out of sequence. The session is resumed, or
        begins again where the sequence numbers disagree.
        """
        if self._active is None or connection != self._connection:
            return []
        self._record(events.FrameRefused, peer="coordinator", fault=error.fault, detail=error.detail)
        if error.fault in SEQUENCE_FAULTS:
            self._session = None
        close = Disconnect(connection, CloseCode.bad_frame, error.fault)
        return [close, *self._lost(now_ns, "bad_frame", str(error), CloseCode.bad_frame)]

    def on_closed(self, now_ns: int, connection: int, kind: str, detail: str, code: int = 0) -> list[Effect]:
        """Handle the end of a connection: `kind` is `reset` (RST) or `closed` (FIN, or a close frame with
        `code`).
        """
        active = self._active
        if active is None or connection != self._connection:
            return []
        if self._drain is not None and self._drain.sent_goodbye:
            return self._stop(now_ns, "drained")
        kind = disconnect_reason(kind, code, going_away=active.going_away)
        effects: list[Effect] = []
        if code == CloseCode.superseded:
            # Another process has this name, and the coordinator reassigns the attempts that this one holds.
            effects = self._tasks.stop_all(now_ns, "another process has this worker's name")
        return effects + self._lost(now_ns, kind, detail, code)

    def on_drain(self, now_ns: int) -> list[Effect]:
        """Begin to drain: finish or return every attempt within the drain timeout, send Goodbye, stop."""
        if self._drain is not None or self._state is SessionState.stopped:
            return []
        self._drain = DrainState(now_ns, self._settings.drain_timeout_ms)
        if self._state is not SessionState.idle:
            self._state = transition(self._state, SessionEvent.leave)
        if self._active is not None:
            self._active.announce_drain()
        return self._tasks.on_drain(now_ns) + self._stop_if_drained(now_ns)

    # -- reports of the executor ---------------------------
    # Leases expire first in each: after a pause of the process, a report may arrive before the tick.

    def on_finished(self, now_ns: int, token: int, output: bytes, error: str) -> list[Effect]:
        """Send the result of an attempt; `error` is "" on success."""
        return self._tasks.on_tick(now_ns) + self._tasks.on_finished(now_ns, token, output, error)

    def on_step_done(self, now_ns: int, token: int, step: int, *, last: bool) -> list[Effect]:
        """Record a finished step. Where SaveCheckpoint is returned, the executor writes the state after this
        step.
        """
        return self._tasks.on_tick(now_ns) + self._tasks.on_step_done(now_ns, token, step, last=last)

    def on_checkpoint_written(self, now_ns: int, token: int, checkpoint: Checkpoint) -> list[Effect]:
        """Send a checkpoint that is durable on this disk."""
        effects = self._tasks.on_tick(now_ns) + self._tasks.on_checkpoint_written(now_ns, token, checkpoint)
        return effects + self._stop_if_drained(now_ns)

    # -- time ----------------------------------------------

    def on_tick(self, now_ns: int) -> list[Effect]:
        """Handle every deadline that has passed: leases, time limits, retries, heartbeats, the drain."""
        effects = self._tasks.on_tick(now_ns)
        if self._state is SessionState.waiting and now_ns >= self._due_ns:
            self._state = transition(self._state, SessionEvent.due)
            effects += self._dial(now_ns)
        elif self._state is SessionState.connecting and now_ns >= self._due_ns:
            waited_ms = self._settings.connect_timeout_ms
            effects.append(Disconnect(self._connection, CloseCode.normal, "timeout"))
            effects += self._failed(now_ns, ConnectFailure("timeout", f"no session within {waited_ms} ms"))
        elif self._active is not None:
            late_ns = now_ns - self._planned_tick_ns if self._planned_tick_ns is not None else 0
            if self._active.is_dead(now_ns, late_ns):
                detail = f"nothing heard for {self._active.silent_ms(now_ns):.0f} ms"
                effects.append(Disconnect(self._connection, CloseCode.heartbeat_timeout, detail))
                effects += self._lost(now_ns, "heartbeat_timeout", detail)
        return effects + self._tick_drain(now_ns)

    def next_deadline_ns(self) -> int | None:
        """Return when `on_tick` is due; None while there is no deadline."""
        due_ns = self._tasks.attempts.check_at_ns()
        if self._state is SessionState.waiting or self._state is SessionState.connecting:
            due_ns = _earlier(due_ns, self._due_ns)
        if self._active is not None:
            due_ns = _earlier(due_ns, self._active.deadline_ns())
        if self._drain is not None and self._state is not SessionState.stopped:
            due_ns = _earlier(due_ns, self._drain.deadline_ns())
        self._planned_tick_ns = due_ns
        return due_ns

    # -- frames to send ------------------------------------

    @property
    def has_frame(self) -> bool:
        """Whether there is a frame to send now."""
        return self._active is not None and (
            self._active.has_messages_due
            or self._channel.committed != self._acked
            or self._channel.has_more()
        )

    def take_frame(self, now_ns: int) -> Frame | None:
        """Return the next frame for the active connection, or None."""
        if self._active is None or not self.has_frame:
            return None
        frame = self._channel.take(now_ns, self._active.take_due(now_ns, self._tasks.attempts))
        self._acked = frame.ack
        return frame

    # -- state, for the runtime and for tests --------------

    @property
    def state(self) -> SessionState:
        """The session's state."""
        return self._state

    @property
    def connection(self) -> int:
        """The number of the newest connection."""
        return self._connection

    @property
    def channel(self) -> Channel:
        """The session's channel, for its counters."""
        return self._channel

    @property
    def attempts(self) -> AttemptTable:
        """The held attempts."""
        return self._tasks.attempts

    @property
    def leaving(self) -> bool:
        """Whether it drains."""
        return self._drain is not None

    @property
    def held(self) -> int:
        """The number of held attempts."""
        return len(self._tasks.attempts)

    def live_tasks(self, now_ns: int) -> list[str]:
        """Return the tasks that may run here at `now_ns`: unfinished, with a lease that has not expired."""
        return self._tasks.attempts.live_tasks(now_ns)

    def check(self) -> None:
        """Raise AssertionError where state, channel and attempts disagree. O(messages + attempts); for tests
        and simulations, after any call.
        """
        self._channel.check()
        self._tasks.check()
        active = self._state is SessionState.connected or self._state is SessionState.draining
        assert active == (self._active is not None), f"{self._state}, with connection {self._connection}"

    # -- connections ---------------------------------------

    def _dial(self, now_ns: int) -> list[Effect]:
        self._connection += 1
        self._dialled_ns = now_ns
        self._due_ns = now_ns + self._settings.connect_timeout_ms * _MS
        attempt = self._reconnect.begin_attempt()
        self._record(events.Connecting, attempt=attempt)
        resume = None
        if self._session is not None:
            resume = Resume(*self._session, received=self._channel.received)
        hello = Hello(
            PROTOCOL_VERSION, self._name, self._incarnation, self._dependencies.new_nonce(),
            self._dependencies.wall_s(), self._settings.slots, self._settings.prefetch,
            self._settings.compress, resume,
        )  # fmt: skip
        return [Connect(self._connection, attempt, hello)]

    def _resume_channel(self, welcome: Welcome) -> list[Message]:
        """Resume or restart the channel; returns the messages that the welcome acknowledges. Raises
        FrameError where the welcome does not fit the session.
        """
        if welcome.outcome != "resumed":
            self._channel.restart(welcome.credit)
            return []
        if self._session is None or self._session[0] != welcome.session:
            raise FrameError(FrameFault.sequence_gap, f"resumed {welcome.session}, which was not asked for")
        acknowledged = self._channel.resume(welcome.received, welcome.credit)
        if welcome.new_stream:
            self._channel.restart_incoming()
        return acknowledged

    def _on_message(self, now_ns: int, active: ActiveConnection, message: Message) -> list[Effect]:
        match message:
            case Assign():
                return self._tasks.on_assign(now_ns, message, active.lease_from_ns)
            case LeasesRenewed():
                active.on_answer(now_ns, message)
                self._tasks.on_renewal(message)
            case Revoke():
                return self._tasks.on_revoke(now_ns, message)
            case GoAway():
                active.going_away = True
                self._reconnect.set_slot(now_ns, message.reconnect_after_ms)
            case _:
                pass  # All other messages are for coordinators.
        return []

    def _failed(self, now_ns: int, failure: ConnectFailure) -> list[Effect]:
        refusal = failure.refusal
        retry_after_ms = refusal.retry_after_ms if refusal is not None else 0
        self._record(
            events.ConnectFailed, attempt=self._reconnect.attempt, kind=failure.kind, detail=failure.detail,
            status=failure.status, retry_after_ms=retry_after_ms,
        )  # fmt: skip
        if refusal is not None and is_terminal(refusal):
            self._record(events.ReconnectAbandoned, reason=refusal.reason, detail=refusal.detail)
            self._state = transition(self._state, SessionEvent.refused_for_good)
            return [
                *self._tasks.stop_all(now_ns, "refused for good"),
                StopWorker(1, f"{refusal.reason}: {refusal.detail}"),
            ]
        if retry_after_ms > 0:
            self._reconnect.set_slot(now_ns, retry_after_ms)
        self._state = transition(self._state, SessionEvent.failed)
        return self._wait(now_ns)

    def _lost(self, now_ns: int, kind: str, detail: str, code: int = 0) -> list[Effect]:
        active = self._end_connection(now_ns, kind, detail, code)
        self._state = transition(self._state, SessionEvent.lost)
        self._reconnect.on_lost(active.age_ns(now_ns), active.welcome.heartbeat_timeout_ms)
        return self._wait(now_ns)

    def _end_connection(self, now_ns: int, kind: str, detail: str, code: int = 0) -> ActiveConnection:
        active = self._active
        assert active is not None
        self._record(
            events.ConnectionLost, session=active.welcome.session, kind=kind, detail=detail,
            silent_ms=active.silent_ms(now_ns), code=int(code),
        )  # fmt: skip
        self._active = None
        return active

    def _wait(self, now_ns: int) -> list[Effect]:
        delay_ms = self._reconnect.next_delay_ms(now_ns)
        self._due_ns = now_ns + int(delay_ms * _MS)
        attempt = self._reconnect.attempt + 1
        self._record(events.BackoffStarted, attempt=attempt, delay_ms=delay_ms, policy=self._settings.policy)
        if self._drain is not None:
            self._drain.sent_goodbye = False
        return self._stop_if_drained(now_ns)

    # -- drain ---------------------------------------------

    def _tick_drain(self, now_ns: int) -> list[Effect]:
        drain = self._drain
        if drain is None or self._state is SessionState.stopped:
            return []
        if now_ns >= drain.end_ns:
            return self._stop(now_ns, f"drained as far as {drain.timeout_ms} ms allowed")
        effects: list[Effect] = []
        if now_ns >= drain.hard_stop_ns and not drain.stopped_work:
            drain.stopped_work = True
            effects += self._tasks.stop_all(now_ns, "no time left")
        return effects + self._stop_if_drained(now_ns)

    def _stop_if_drained(self, now_ns: int) -> list[Effect]:
        """Send Goodbye once every result is acknowledged; stop once Goodbye is acknowledged too."""
        drain = self._drain
        if (
            drain is None
            or self._state is SessionState.stopped
            or self._channel.depth > 0
            or self._tasks.is_busy
        ):
            return []
        if self._state is not SessionState.draining or drain.sent_goodbye:
            return self._stop(now_ns, "drained")
        drain.sent_goodbye = True
        self._channel.send(Goodbye("drained"), Priority.critical, now_ns, always=True)
        return []

    def _stop(self, now_ns: int, reason: str) -> list[Effect]:
        if self._active is not None:
            self._end_connection(now_ns, "stopped", reason, CloseCode.normal)
        self._state = transition(self._state, SessionEvent.left)
        return [Disconnect(self._connection, CloseCode.normal, reason), StopWorker(0, reason)]


def _earlier(due_ns: int | None, other_ns: int) -> int:
    return other_ns if due_ns is None or other_ns < due_ns else due_ns
