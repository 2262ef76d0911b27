"""Dispatch of a worker's messages: one line for each kind."""

from __future__ import annotations

from collections.abc import Callable

from coordinator.attempts import AttemptManager
from coordinator.connection import Connection
from coordinator.ledger import Ledger
from coordinator.session_manager import SessionManager
from wire.channel import Bounds
from wire.errors import FrameError, FrameFault
from wire.messages import (
    AttemptReport,
    AttemptResult,
    CheckpointSaved,
    DrainNotice,
    Frame,
    Goodbye,
    Heartbeat,
    Message,
    ReturnTask,
)

INTERVAL_FACTOR_MAX = 2
INTERVAL_MIN_MS = 100


class MessageDispatcher:
    """Processes frames: first their numbers, then their messages in order, then their acknowledgements."""

    def __init__(
        self, ledger: Ledger, attempts: AttemptManager, fleet: SessionManager, bounds: Bounds
    ) -> None:
        self._ledger = ledger
        self._attempts = attempts
        self._fleet = fleet
        self._bounds = bounds
        self._acts: dict[type[Message], Callable[[Connection, Message, int], None]] = {
            Heartbeat: self._heartbeat,
            AttemptReport: self._attempt_report,
            AttemptResult: self._result,
            CheckpointSaved: self._checkpoint,
            ReturnTask: self._return_task,
            Goodbye: self._goodbye,
            DrainNotice: self._drain_notice,
        }

    def dispatch(self, conn: Connection, frame: Frame, size_bytes: int, now_ns: int) -> None:
        """Process a frame of `size_bytes` (after inflating). Raises FrameError; the frame then has no
        effect.
        """
        session = conn.session
        credit = session.channel.committed + self._bounds.window
        acts = self._acts
        for envelope in frame.envelopes:
            if type(envelope.message) not in acts:
                kind = type(envelope.message).__name__
                raise FrameError(FrameFault.undecodable, f"{kind} is not a worker's message")
            if envelope.sequence > credit:
                detail = f"message {envelope.sequence}; the credit ended at {credit}"
                raise FrameError(FrameFault.sequence_gap, detail)
        arrived, acknowledged = session.channel.receive(frame, size_bytes)
        for message in arrived:
            acts[type(message)](conn, message, now_ns)
        # The attempt report was written before this frame's acknowledgement, so it is processed first.
        self._fleet.on_delivered(session, acknowledged)

    def _heartbeat(self, conn: Connection, message: Message, now_ns: int) -> None:
        assert isinstance(message, Heartbeat)
        session, advised_ms = conn.session, self._attempts.timing.interval_ms
        session.interval_ms = min(max(message.interval_ms, INTERVAL_MIN_MS), INTERVAL_FACTOR_MAX * advised_ms)
        conn.answer = self._attempts.renew(session, message, now_ns)

    def _attempt_report(self, conn: Connection, message: Message, now_ns: int) -> None:
        assert isinstance(message, AttemptReport)
        session = conn.session
        for held in message.held:
            self._ledger.reconcile(session, held, now_ns)
        self._ledger.abandon_unreported(session, {held.token for held in message.held})
        self._fleet.on_report(session, now_ns)

    def _result(self, conn: Connection, message: Message, now_ns: int) -> None:
        assert isinstance(message, AttemptResult)
        self._ledger.result(conn.session, message, now_ns)

    def _checkpoint(self, conn: Connection, message: Message, now_ns: int) -> None:
        assert isinstance(message, CheckpointSaved)
        self._ledger.checkpoint(conn.session, message, now_ns)

    def _return_task(self, conn: Connection, message: Message, now_ns: int) -> None:
        assert isinstance(message, ReturnTask)
        self._ledger.return_task(conn.session, message, now_ns)

    def _goodbye(self, conn: Connection, message: Message, now_ns: int) -> None:
        assert isinstance(message, Goodbye)
        self._fleet.on_goodbye(conn.session, message.reason)

    def _drain_notice(self, conn: Connection, message: Message, now_ns: int) -> None:
        assert isinstance(message, DrainNotice)
        conn.session.draining = True
        self._attempts.selector.update(conn.session)
