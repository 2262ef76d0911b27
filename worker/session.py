"""A worker's session: its states and transitions, the connection that carries it, its drain, and the reasons
for which connections fail. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import msgspec

from wire.errors import CloseCode, FrameFault
from wire.handshake import Refusal, Welcome
from wire.messages import AttemptReport, DrainNotice, Heartbeat, LeasesRenewed, Message
from worker.attempts import AttemptTable
from worker.heartbeat import HeartbeatTimer
from worker.phi import PhiAccrual

HARD_STOP_SHARE: Final = 0.75
_MS: Final = 1_000_000


class SessionState(StrEnum):
    """The states of a session."""

    idle = "idle"
    connecting = "connecting"
    connected = "connected"
    waiting = "waiting"
    draining = "draining"
    stopped = "stopped"


class SessionEvent(StrEnum):
    """The events that change a session's state. `welcomed_leaving` is a welcome that arrives during a
    drain.
    """

    start = "start"
    welcomed = "welcomed"
    welcomed_leaving = "welcomed_leaving"
    failed = "failed"
    refused_for_good = "refused_for_good"
    lost = "lost"
    due = "due"
    leave = "leave"
    left = "left"


TRANSITIONS: dict[SessionState, dict[SessionEvent, SessionState]] = {
    SessionState.idle: {
        SessionEvent.start: SessionState.connecting,
        SessionEvent.left: SessionState.stopped,
    },
    SessionState.connecting: {
        SessionEvent.welcomed: SessionState.connected,
        SessionEvent.welcomed_leaving: SessionState.draining,
        SessionEvent.failed: SessionState.waiting,
        SessionEvent.refused_for_good: SessionState.stopped,
        SessionEvent.leave: SessionState.connecting,
        SessionEvent.left: SessionState.stopped,
    },
    SessionState.connected: {
        SessionEvent.lost: SessionState.waiting,
        SessionEvent.leave: SessionState.draining,
    },
    SessionState.waiting: {
        SessionEvent.due: SessionState.connecting,
        SessionEvent.leave: SessionState.waiting,
        SessionEvent.left: SessionState.stopped,
    },
    SessionState.draining: {
        SessionEvent.lost: SessionState.waiting,
        SessionEvent.left: SessionState.stopped,
    },
    SessionState.stopped: {},
}


class ImpossibleTransitionError(Exception):
    """An event that a session's state does not allow: a defect of this program, not of the network."""


def transition(state: SessionState, event: SessionEvent) -> SessionState:
    """Return the state that follows. Raises ImpossibleTransitionError where `state` does not allow
    `event`.
    """
    try:
        return TRANSITIONS[state][event]
    except KeyError:
        possible = ", ".join(TRANSITIONS[state]) or "nothing"
        raise ImpossibleTransitionError(
            f"{event} cannot happen to a session that is {state}; possible: {possible}"
        ) from None


class ActiveConnection:
    """The state of one welcomed connection; it is discarded with the connection.

    An attempt report and the first heartbeat are due at once. `lease_from_ns` is a lower bound of the time at
    which the coordinator sent the frames that arrive now: a lease that begins with an assignment counts from
    it, so that time in transit can only shorten a lease on this side.

    Args:
        dialled_ns: when dialling began, monotonic.
        first_gap: the gap between the first two heartbeats, as a share (0 to 1) of the interval.
        adaptive: whether the failure detector learns from the gaps between answers (phi.py).
        leaving: whether the worker is draining, so that DrainNotice is due as well.
    """

    def __init__(
        self, now_ns: int, dialled_ns: int, welcome: Welcome, first_gap: float, *, adaptive: bool,
        leaving: bool,
    ) -> None:  # fmt: skip
        interval_ms, timeout_ms = welcome.heartbeat_interval_ms, welcome.heartbeat_timeout_ms
        self._heartbeat = HeartbeatTimer(
            now_ns, interval_ms, timeout_ms, first_gap, PhiAccrual() if adaptive else None
        )
        self._heartbeat.tick(now_ns)
        self._since_ns = now_ns
        self._inventory_due = True
        self._leaving_due = leaving
        self.welcome = welcome
        self.lease_from_ns = dialled_ns
        self.going_away = False

    def on_frame(self, now_ns: int) -> None:
        """Record the arrival of a whole frame."""
        self._heartbeat.on_frame(now_ns)

    def on_answer(self, now_ns: int, answer: LeasesRenewed) -> None:
        """Record the answer to a heartbeat. It echoes this process's own clock, but the coordinator cannot
        move `lease_from_ns` into the future with it.
        """
        self._heartbeat.on_answer(now_ns)
        self.lease_from_ns = max(self.lease_from_ns, min(answer.echo_ns, now_ns))

    def announce_drain(self) -> None:
        """Send DrainNotice with the next frame."""
        self._leaving_due = True

    def silent_ms(self, now_ns: int) -> float:
        """Return the time since the last whole frame."""
        return (now_ns - self._heartbeat.last_frame_ns) / _MS

    def age_ns(self, now_ns: int) -> int:
        """Return the time since the welcome."""
        return now_ns - self._since_ns

    def is_dead(self, now_ns: int, late_ns: int) -> bool:
        """Return whether the link has been silent for too long; else advance the heartbeat.

        Args:
            late_ns: by how much this call is later than planned; that time does not count as silence.
        """
        if late_ns > 0:
            self._heartbeat.exclude_pause(late_ns)
        timeout_at_ns = self._heartbeat.timeout_at_ns()
        if timeout_at_ns is not None and now_ns >= timeout_at_ns:
            return True
        self._heartbeat.tick(now_ns)
        return False

    def deadline_ns(self) -> int:
        """Return the time by which `is_dead` must be called again."""
        return self._heartbeat.deadline_ns()

    @property
    def has_messages_due(self) -> bool:
        """Whether `take_due` would return any message."""
        return self._inventory_due or self._leaving_due or self._heartbeat.due

    def take_due(self, now_ns: int, attempts: AttemptTable) -> tuple[Message, ...]:
        """Return the messages that go in front of the next frame: the attempt report of a new connection,
        DrainNotice, a heartbeat.
        """
        messages: list[Message] = []
        if self._inventory_due:
            self._inventory_due = False
            messages.append(AttemptReport(attempts.held()))
        if self._leaving_due:
            self._leaving_due = False
            messages.append(DrainNotice())
        if self._heartbeat.due:
            self._heartbeat.due = False
            messages.append(Heartbeat(now_ns, self.welcome.heartbeat_interval_ms, attempts.progress()))
        return tuple(messages)


@dataclass(slots=True)
class DrainState:
    """A drain that began at `began_ns` and ends after `timeout_ms` at the latest.

    Attempts may run for the first three quarters. The last quarter is for returning those that still run, and
    for the acknowledgement.
    """

    began_ns: int
    timeout_ms: int
    stopped_work: bool = False
    sent_goodbye: bool = False

    @property
    def hard_stop_ns(self) -> int:
        """When running attempts are stopped."""
        return self.began_ns + int(self.timeout_ms * _MS * HARD_STOP_SHARE)

    @property
    def end_ns(self) -> int:
        """When the worker stops, acknowledged or not."""
        return self.began_ns + self.timeout_ms * _MS

    def deadline_ns(self) -> int:
        """Return the time of the next step."""
        return self.end_ns if self.stopped_work else self.hard_stop_ns


SEQUENCE_FAULTS = (FrameFault.sequence_gap, FrameFault.ack_from_future)
"""Faults after which the sequence numbers of both sides disagree: a resumed session would fail the same way
for ever.
"""

_REASON_BY_CODE = {
    int(CloseCode.going_away): "going_away",
    int(CloseCode.full): "going_away",
    int(CloseCode.draining): "going_away",
    int(CloseCode.bad_frame): "bad_frame",
    int(CloseCode.superseded): "superseded",
    int(CloseCode.heartbeat_timeout): "heartbeat_timeout",
}


class ConnectFailure(msgspec.Struct, frozen=True):
    """Why dialling led to no session; `kind` as in events.ConnectFailed."""

    kind: str
    detail: str
    status: int = 0
    refusal: Refusal | None = None


def disconnect_reason(kind: str, code: int, *, going_away: bool) -> str:
    """Return the `kind` of events.ConnectionLost.

    Args:
        kind: `closed` (a FIN or a close frame) or `reset` (an RST).
        code: the close frame's code, 0 without one; it takes precedence.
        going_away: whether the coordinator announced its end on this connection.
    """
    return _REASON_BY_CODE.get(code) or ("going_away" if going_away else kind)
