"""Every decision of a worker, without a socket, a disk or a clock: the shell drives it, and so does the
simulation.

Each `on_…` takes the monotonic time and what happened, and returns what is to be done. After each call the
shell sends what `take_frame` gives while `has_frame`, and calls `on_tick` at `next_deadline_ns` at the
latest. Everything about a connection names its number; what an older one still says changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from wire import events
from wire.channel import Bounds, Channel
from wire.codec import PROTOCOL_VERSION
from wire.handshake import Hello, Refusal, Resume, Welcome, is_terminal
from wire.messages import (
    Assign,
    Checkpoint,
    Frame,
    GoAway,
    Goodbye,
    Inventory,
    LeasesRenewed,
    Message,
    Revoke,
)  # fmt: skip
from wire.messages import Heartbeat as Beat
from wire.priority import Priority
from wire.refusals import CloseCode, FrameError, FrameFault
from wire.settings import WorkerSettings
from worker.attempts import Stage
from worker.effects import Connect, Disconnect, Effect, Stop
from worker.heartbeat import Heartbeat
from worker.phi import PhiAccrual
from worker.ports import Ports
from worker.reconnect import Reconnect
from worker.session import Happening, State, after
from worker.work import Work

_MS = 1_000_000
_HARD_STOP_SHARE = 0.75
_SEQUENCE_FAULTS = (FrameFault.sequence_gap, FrameFault.ack_from_future)
LOST_BY_CODE = {
    CloseCode.going_away: "going_away",
    CloseCode.full: "going_away",
    CloseCode.draining: "going_away",
    CloseCode.bad_frame: "bad_frame",
    CloseCode.superseded: "superseded",
    CloseCode.heartbeat_timeout: "heartbeat_timeout",
}


@dataclass(frozen=True)
class Failure:
    """Why dialling led to no session; `kind` as in events.ConnectFailed."""

    kind: str
    detail: str
    status: int = 0
    refusal: Refusal | None = None


@dataclass(slots=True)
class _Link:
    """What stands while a connection stands."""

    welcome: Welcome
    heartbeat: Heartbeat
    since_ns: int
    dialled_ns: int
    answered_ns: int
    inventory_due: bool = True
    going_away: bool = False


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
        self._link: _Link | None = None
        self._connection = 0
        self._dialled_ns = 0
        self._due_ns = 0
        self._planned_ns: int | None = None
        self._acked = 0
        self._leaving_ns: int | None = None
        self._all_handed_back = False
        self._goodbye_said = False

    # -- the session's life --------------------------------

    def on_start(self, now_ns: int) -> list[Effect]:
        """The process is up: dial."""
        self._state = after(self._state, Happening.start)
        return self._dial(now_ns)

    def on_connected(self, now_ns: int, connection: int, welcome: Welcome) -> list[Effect]:
        """The coordinator took us in."""
        if not self._is_current(connection, State.connecting):
            return [Disconnect(connection, CloseCode.normal, "dialled anew meanwhile")]
        in_flight = self._channel.in_flight
        try:
            acknowledged = self._enter(welcome)
        except FrameError as error:
            self._session = None
            close = Disconnect(connection, CloseCode.bad_frame, error.fault)
            return [close, *self._failed(now_ns, Failure("handshake", str(error)))]
        self._work.acknowledged(now_ns, acknowledged)
        leaving = self._leaving_ns is not None
        self._state = after(self._state, Happening.welcomed_leaving if leaving else Happening.welcomed)
        self._session = (welcome.session, welcome.epoch)
        self._acked = self._channel.committed
        self._reconnect.advised(welcome.backoff)
        learner = PhiAccrual() if self._settings.adaptive_heartbeat else None
        first_gap = self._ports.random.random()
        heartbeat = Heartbeat(
            now_ns, welcome.heartbeat_interval_ms, welcome.heartbeat_timeout_ms, first_gap, learner
        )
        heartbeat.beat(now_ns)
        self._link = _Link(welcome, heartbeat, now_ns, self._dialled_ns, self._dialled_ns)
        self._goodbye_said = False
        self._record(
            events.Connected, attempt=self._reconnect.attempt, session=welcome.session, epoch=welcome.epoch,
            outcome=welcome.outcome, because=welcome.because, handshake_ms=(now_ns - self._dialled_ns) / _MS,
            replayed=in_flight - len(acknowledged),
        )  # fmt: skip
        return self._leave_if_done(now_ns)

    def on_connect_failed(self, now_ns: int, connection: int, failure: Failure) -> list[Effect]:
        """Dialling led to no session."""
        if not self._is_current(connection, State.connecting):
            return []
        return self._failed(now_ns, failure)

    def on_frame(self, now_ns: int, connection: int, frame: Frame) -> list[Effect]:
        """A frame came in whole and unaltered."""
        link = self._link
        if link is None or connection != self._connection:
            return []
        link.heartbeat.heard(now_ns)
        try:
            arrived, acknowledged = self._channel.receive(frame)
        except FrameError as error:
            return self.on_bad_frame(now_ns, connection, error)
        self._channel.commit(self._channel.received)
        self._work.acknowledged(now_ns, acknowledged)
        effects: list[Effect] = []
        for message in arrived:
            effects += self._on_message(now_ns, link, message)
        return effects + self._leave_if_done(now_ns) if self._leaving_ns is not None else effects

    def on_bad_frame(self, now_ns: int, connection: int, error: FrameError) -> list[Effect]:
        """Something came in that must not be believed: close, come back, resume.

        Where the numbers themselves disagree, resuming would fail the same way for ever: then a new session
        is asked for.
        """
        if self._link is None or connection != self._connection:
            return []
        self._record(events.FrameRefused, peer="coordinator", fault=error.fault, detail=error.detail)
        if error.fault in _SEQUENCE_FAULTS:
            self._session = None
        close = Disconnect(connection, CloseCode.bad_frame, error.fault)
        return [close, *self._lost(now_ns, "bad_frame", str(error), CloseCode.bad_frame)]

    def on_closed(self, now_ns: int, connection: int, kind: str, detail: str, code: int = 0) -> list[Effect]:
        """The connection ended: `kind` is reset or closed; a close frame's `code` says more."""
        link = self._link
        if link is None or connection != self._connection:
            return []
        if self._goodbye_said:
            return self._stop(now_ns, "drained")
        known = LOST_BY_CODE.get(CloseCode(code)) if code in CloseCode.__members__.values() else None
        if link.going_away and kind in ("closed", "reset"):
            known = known or "going_away"
        return self._lost(now_ns, known or kind, detail, code)

    def on_drain(self, now_ns: int) -> list[Effect]:
        """Told to leave: finish or hand back within the time for it, say goodbye, stop."""
        if self._leaving_ns is not None or self._state is State.stopped:
            return []
        self._leaving_ns = now_ns
        if self._state is not State.idle:
            self._state = after(self._state, Happening.leave)
        return self._work.drain(now_ns) + self._leave_if_done(now_ns)

    # -- the executor says ---------------------------------

    def on_finished(self, now_ns: int, token: int, output: bytes, error: str) -> list[Effect]:
        """An attempt ran to its end; `error` is "" when it went well."""
        # Leases first: after a pause of the whole process, the executor may be heard before the clock.
        return self._work.tick(now_ns) + self._work.finished(now_ns, token, output, error)

    def on_step_done(self, now_ns: int, token: int, step: int, *, last: bool) -> list[Effect]:
        """An attempt finished a step; where SaveCheckpoint comes back, its state is wanted as it stands
        now.
        """
        return self._work.tick(now_ns) + self._work.step_done(now_ns, token, step, last=last)

    def on_checkpoint_written(self, now_ns: int, token: int, checkpoint: Checkpoint) -> list[Effect]:
        """What SaveCheckpoint asked for is on the disk."""
        return self._work.tick(now_ns) + self._work.checkpoint_written(now_ns, token, checkpoint)

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
        elif self._link is not None:
            effects += self._tick_link(now_ns, self._link)
        if self._leaving_ns is not None:
            effects += self._tick_leaving(now_ns, self._leaving_ns)
        return effects

    def next_deadline_ns(self) -> int | None:
        """When `on_tick` is due; None while nothing can happen by itself."""
        times = [self._work.attempts.check_at_ns()]
        if self._state in (State.waiting, State.connecting):
            times.append(self._due_ns)
        if self._link is not None:
            times.append(self._link.heartbeat.deadline_ns())
        if self._leaving_ns is not None and self._state is not State.stopped:
            hard_stop_ns, end_ns = self._drain_ends_ns(self._leaving_ns)
            times.append(end_ns if self._all_handed_back else hard_stop_ns)
        self._planned_ns = min((time for time in times if time is not None), default=None)
        return self._planned_ns

    # -- going out -----------------------------------------

    @property
    def has_frame(self) -> bool:
        """Whether there is something to send now."""
        link = self._link
        return link is not None and (
            link.inventory_due
            or link.heartbeat.due
            or self._channel.committed != self._acked
            or self._channel.has_more()
        )

    def take_frame(self, now_ns: int) -> Frame | None:
        """The next frame for the connection that stands, or None."""
        link = self._link
        if link is None or not self.has_frame:
            return None
        unnumbered: list[Message] = []
        if link.inventory_due:
            link.inventory_due = False
            unnumbered.append(Inventory(self._work.attempts.held()))
        if link.heartbeat.due:
            link.heartbeat.due = False
            interval_ms = link.welcome.heartbeat_interval_ms
            unnumbered.append(Beat(now_ns, interval_ms, self._work.attempts.progress()))
        frame = self._channel.take(now_ns, tuple(unnumbered))
        self._acked = frame.ack
        return frame

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

    def live_tasks(self, now_ns: int) -> list[str]:
        """Tasks that may be worked on here at `now_ns`: their lease runs and they are not finished."""
        return [
            attempt.assign.task_id
            for attempt in self._work.attempts
            if attempt.stage is not Stage.finished and attempt.lease_end_ns > now_ns
        ]

    @property
    def held(self) -> int:
        """Attempts held."""
        return len(self._work.attempts)

    # -- inside --------------------------------------------

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

    def _on_message(self, now_ns: int, link: _Link, message: Message) -> list[Effect]:
        match message:
            case Assign():
                # It was sent after the newest answer here, so its lease can only seem shorter than it is.
                return self._work.assigned(now_ns, message, link.answered_ns)
            case LeasesRenewed():
                link.heartbeat.answered(now_ns)
                link.answered_ns = max(link.answered_ns, min(message.echo_ns, now_ns))
                self._work.renewed(message)
            case Revoke():
                return self._work.revoked(now_ns, message)
            case GoAway():
                link.going_away = True
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
            return [*self._work.hand_all_back(now_ns), Stop(1, f"{refusal.reason}: {refusal.detail}")]
        if retry_after_ms > 0:
            self._reconnect.told(now_ns, retry_after_ms)
        self._state = after(self._state, Happening.failed)
        return self._wait(now_ns)

    def _lost(self, now_ns: int, kind: str, detail: str, code: int = 0) -> list[Effect]:
        link = self._unlink(now_ns, kind, detail, code)
        self._state = after(self._state, Happening.lost)
        self._reconnect.lost(now_ns - link.since_ns, link.welcome.heartbeat_timeout_ms)
        return self._wait(now_ns)

    def _unlink(self, now_ns: int, kind: str, detail: str, code: int = 0) -> _Link:
        link = self._link
        assert link is not None
        silent_ms = (now_ns - link.heartbeat.heard_ns) / _MS
        self._record(
            events.Lost, session=link.welcome.session, kind=kind, detail=detail, silent_ms=silent_ms,
            code=int(code),
        )  # fmt: skip
        self._link = None
        return link

    def _wait(self, now_ns: int) -> list[Effect]:
        delay_ms = self._reconnect.next_delay_ms(now_ns)
        self._due_ns = now_ns + int(delay_ms * _MS)
        attempt = self._reconnect.attempt + 1
        self._record(events.Waiting, attempt=attempt, delay_ms=delay_ms, policy=self._settings.policy)
        return self._leave_if_done(now_ns)

    def _tick_link(self, now_ns: int, link: _Link) -> list[Effect]:
        heartbeat = link.heartbeat
        if self._planned_ns is not None and now_ns > self._planned_ns:
            heartbeat.excuse(now_ns - self._planned_ns)
        silent_at_ns = heartbeat.silent_at_ns()
        if silent_at_ns is not None and now_ns >= silent_at_ns:
            detail = f"nothing heard for {(now_ns - heartbeat.heard_ns) / _MS:.0f} ms"
            close = Disconnect(self._connection, CloseCode.heartbeat_timeout, detail)
            return [close, *self._lost(now_ns, "heartbeat_timeout", detail)]
        heartbeat.beat(now_ns)
        return []

    # -- leaving -------------------------------------------

    def _drain_ends_ns(self, leaving_ns: int) -> tuple[int, int]:
        whole_ns = self._settings.drain_timeout_ms * _MS
        return leaving_ns + int(whole_ns * _HARD_STOP_SHARE), leaving_ns + whole_ns

    def _tick_leaving(self, now_ns: int, leaving_ns: int) -> list[Effect]:
        hard_stop_ns, end_ns = self._drain_ends_ns(leaving_ns)
        effects: list[Effect] = []
        if now_ns >= hard_stop_ns and not self._all_handed_back:
            self._all_handed_back = True
            effects += self._work.hand_all_back(now_ns)
        if now_ns >= end_ns and self._state is not State.stopped:
            why = f"drained as far as {self._settings.drain_timeout_ms} ms allowed"
            return effects + self._stop(now_ns, why)
        return effects + self._leave_if_done(now_ns)

    def _leave_if_done(self, now_ns: int) -> list[Effect]:
        """Once nothing is held and all is acknowledged: goodbye, and when that is acknowledged too, the
        end.
        """
        if self._leaving_ns is None or self._state is State.stopped:
            return []
        if self._channel.depth > 0 or self.held > 0:
            return []
        if self._state is not State.draining or self._goodbye_said:
            return self._stop(now_ns, "drained")
        self._goodbye_said = True
        self._channel.send(Goodbye("drained"), Priority.background, now_ns, always=True)
        return []

    def _stop(self, now_ns: int, reason: str) -> list[Effect]:
        if self._link is not None:
            self._unlink(now_ns, "stopped", reason, CloseCode.normal)
        self._state = after(self._state, Happening.left)
        return [Disconnect(self._connection, CloseCode.normal, reason), Stop(0, reason)]

    def _is_current(self, connection: int, state: State) -> bool:
        return connection == self._connection and self._state is state
