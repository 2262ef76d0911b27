"""Lifecycle of sessions: begun, connected, disconnected, resumed, ended; and the welcome that
announces it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from coordinator.attempts import AttemptManager
from coordinator.connection import Connection, PendingConnection, PendingConnections
from coordinator.counters import MetricCounters
from coordinator.effects import Close, Effects
from coordinator.ledger import Ledger
from coordinator.refusal_log import RefusalLog
from coordinator.rows import PresenceRow, Recovered, SessionEndRow, SessionRow
from coordinator.session import NEVER_NS, AttemptLoss, Session
from coordinator.session_registry import RESET, RESUMED, SessionRegistry, is_superseded
from coordinator.timers import SessionTimers
from coordinator.timing import MS, fleet_timing
from wire import events
from wire.channel import Bounds, Channel
from wire.codec import FrameDecoder, FrameEncoder, FrameLimits, session_keys
from wire.errors import CloseCode, FrameError
from wire.events import Journal
from wire.handshake import NONCE_BYTES, Backoff, Hello, Welcome
from wire.limits import WORDS_CHARS, cut
from wire.messages import Assign, Message
from wire.settings import CoordinatorSettings

SESSION_BYTES = 9


@dataclass(frozen=True)
class AcceptedHandshake:
    """An accepted hello: the connection's number from now on, and the answer for the header."""

    connection: int
    hello: Hello
    welcome: Welcome


class SessionManager:
    """All sessions and their connections."""

    def __init__(
        self,
        epoch: int,
        settings: CoordinatorSettings,
        fleet_key: bytes,
        ledger: Ledger,
        attempts: AttemptManager,
        effects: Effects,
        journal: Journal,
        timers: SessionTimers,
        counters: MetricCounters,
        random_bytes: Callable[[int], bytes],
        limits: FrameLimits,
        bounds: Bounds,
        refusals: RefusalLog,
    ) -> None:
        self.sessions = SessionRegistry()
        self.connections: dict[int, Connection] = {}
        self.pending = PendingConnections(effects, counters)
        self.awaited_sessions: set[str] = set()
        self._epoch = epoch
        self._settings = settings
        self._fleet_key = fleet_key
        self._ledger = ledger
        self._attempts = attempts
        self._effects = effects
        self._journal = journal
        self._timers = timers
        self._counters = counters
        self._random_bytes = random_bytes
        self._limits = limits
        self._bounds = bounds
        self._refusals = refusals
        self._next_connection = 1

    # -- a connection begins -------------------------------

    def accept(self, now_ns: int, hello: Hello, outcome: str, because: str) -> AcceptedHandshake:
        """Answer a hello with `outcome`. Nothing changes before the connection's first frame (`admit`), which
        alone proves that the hello is no replay.
        """
        requested, new_stream = None, True
        if outcome == RESUMED and hello.resume is not None:
            requested = self.sessions.by_id[hello.resume.session]
            new_stream = hello.resume.epoch != self._epoch
            if not new_stream and not requested.channel.was_sent(hello.resume.received):
                outcome, because = RESET, f"{hello.resume.received} messages were not sent in this session"
                requested = None
        welcome = self._welcome(hello, requested, outcome, because, new_stream)
        keys = session_keys(self._fleet_key, welcome.session, self._epoch, hello.nonce + welcome.nonce)
        timing = self._attempts.timing
        pending = PendingConnection(
            self._next_connection, hello, welcome, FrameDecoder(keys.to_coordinator, self._limits),
            FrameEncoder(keys.to_worker, compress=welcome.compress),
            now_ns + (timing.interval_ms + timing.timeout_ms) * MS,
        )  # fmt: skip
        self._next_connection += 1
        self.pending.add(pending)
        if self._epoch == 1 and self.sessions.of(hello.worker) is None:
            # In the first life the replay cache has every nonce, and no session could be superseded.
            self.admit(pending, now_ns)
        return AcceptedHandshake(pending.id, hello, welcome)

    def admit(self, pending: PendingConnection, now_ns: int) -> Connection | None:
        """Activate the connection, on its first frame: an older connection of its worker is superseded, and
        its later input ignored. Return None where the welcome is outdated; the connection is then closed.
        """
        self.pending.forget(pending.id)
        hello, welcome = pending.hello, pending.welcome
        current = self.sessions.of(hello.worker)
        is_older = pending.id < self.sessions.newest_connection(hello.worker) or is_superseded(
            hello, current, now_ns, self._attempts.timing.lease_ms
        )
        is_over = welcome.outcome == RESUMED and (
            current is None or current.id != welcome.session or current.has_left
        )
        if is_older or is_over:
            detail = "another connection of this worker was admitted in between"
            self.pending.close(pending, CloseCode.superseded, detail)
            return None
        self._supersede(hello.worker, now_ns)
        if welcome.outcome == RESUMED and current is not None and hello.resume is not None:
            received = 0 if welcome.new_stream else hello.resume.received
            self.on_delivered(current, current.channel.resume(received, 0))
            session = current
        else:
            session = self._begin(now_ns, hello, welcome.session)
        session.capacity = min(max(hello.slots, 0) + max(hello.prefetch, 0), self._settings.held)
        return self._connect(pending, session, now_ns)

    def on_delivered(self, session: Session, messages: list[Message]) -> None:
        """Process messages that the worker acknowledged."""
        for message in messages:
            if isinstance(message, Assign) and (attempt := session.attempts.get(message.token)):
                attempt.undelivered = None
        if messages:
            self._attempts.selector.update(session)

    def on_report(self, session: Session, now_ns: int) -> None:
        """Process the end of the worker's attempt report."""
        self._attempts.extend_undelivered(session, now_ns)
        session.reported = True
        self._attempts.record_end(session, now_ns)
        self._attempts.selector.update(session)
        self._stop_awaiting(session)

    def on_presence_stored(self, row: PresenceRow) -> None:
        """Record that a session's connection is durable."""
        session = self.sessions.by_id.get(row.session)
        if session is not None and row.connected:
            session.durable_connection = row.connection
            self._attempts.selector.update(session)

    # -- it ends -------------------------------------------

    def refuse_frame(self, conn: Connection, error: FrameError, now_ns: int) -> None:
        """Close a connection because of an invalid frame; the session stays."""
        self._write_refusal(conn.session.worker, error, now_ns)
        self._effects.closes.append(Close(conn.id, CloseCode.bad_frame, error.fault))
        self.disconnect(conn, "bad_frame", cut(error.detail, WORDS_CHARS), now_ns)

    def refuse_pending(self, pending: PendingConnection, error: FrameError, now_ns: int) -> None:
        """Close a pending connection because its first frame is invalid."""
        self._write_refusal(pending.hello.worker, error, now_ns)
        self.pending.close(pending, CloseCode.bad_frame, error.fault)

    def _write_refusal(self, worker: str, error: FrameError, now_ns: int) -> None:
        self._counters.add("frames_refused", error.fault)
        detail = cut(error.detail, WORDS_CHARS)
        self._refusals.write(
            now_ns, events.FrameRefused, worker, error.fault, peer=worker, fault=error.fault, detail=detail
        )

    def disconnect(self, conn: Connection, kind: str, detail: str, now_ns: int) -> None:
        """End the connection; its session waits for the next one."""
        session = conn.session
        del self.connections[conn.id]
        self.sessions.disconnect(session, now_ns)
        self._attempts.selector.update(session)
        self._counters.add("connections_lost", kind)
        self._journal(
            events.WorkerLost, worker=session.worker, session=session.id, kind=kind, detail=detail,
            silent_ms=(now_ns - session.last_seen_ns) / MS,
        )  # fmt: skip
        if session.has_left:
            self._end(session, AttemptLoss.goodbye, now_ns)
        else:
            if not self._ledger.recovering:
                # (While recovering, the worker may hold attempts that the disk lacks: another restart must
                # wait for it again.)
                self._effects.rows.append(PresenceRow(session.id, conn.id, False))
            self._timers.at(session, now_ns + self._settings.session_ttl_ms * MS)

    def on_goodbye(self, session: Session, reason: str) -> None:
        """Process the worker's goodbye. Its connection stays until the worker has the acknowledgement."""
        session.has_left = True
        self._attempts.selector.update(session)
        self._ledger.abandon_all(session, AttemptLoss.goodbye, reason)

    def check_timers(self, session: Session, now_ns: int) -> None:
        """Process a session whose timer is due: heartbeat timeout, leases, or the session's end."""
        if self.sessions.by_id.get(session.id) is not session:
            return
        due_ns = NEVER_NS
        if session.connection is not None:
            due_ns = self._heartbeat_due_ns(session)
            if due_ns <= now_ns:
                conn = self.connections[session.connection]
                detail = "no frame within the heartbeat timeout"
                self._effects.closes.append(Close(conn.id, CloseCode.heartbeat_timeout, detail))
                self.disconnect(conn, "heartbeat_timeout", detail, now_ns)
        if session.connection is None:
            if self.sessions.by_id.get(session.id) is not session:
                return
            due_ns = session.lost_ns + self._settings.session_ttl_ms * MS
            if due_ns <= now_ns:
                self._end(session, AttemptLoss.expired, now_ns)
                return
        self._timers.at(session, min(due_ns, self._ledger.expire(session, now_ns)))

    # -- a restart -----------------------------------------

    def restore(self, recovered: Recovered, now_ns: int) -> None:
        """Restore the stored sessions. Those that were connected are awaited: until they report, their
        attempts are unknown.
        """
        for stored in recovered.sessions:
            channel = Channel(self._bounds, received=stored.received)
            session = Session(
                stored.session,
                stored.worker,
                stored.incarnation,
                channel,
                last_seen_ns=now_ns,
                lost_ns=now_ns,
            )
            self.sessions.begin(session, now_ns)
            self._timers.at(session, now_ns + self._settings.session_ttl_ms * MS)
            if stored.connected:
                self.awaited_sessions.add(session.id)
        self._update_timing()

    def check(self) -> None:
        """Raise AssertionError where sessions, connections and timers disagree. O(sessions + messages); for
        tests and simulations.
        """
        self.sessions.check()
        for session in self.sessions.by_id.values():
            session.channel.check()
            self._attempts.selector.check(session)
            due_ns = min((a.deadline_ns for a in session.attempts.values()), default=NEVER_NS)
            if session.connection is None:
                due_ns = min(due_ns, session.lost_ns + self._settings.session_ttl_ms * MS)
                assert not session.reported, f"{session.worker} is not connected, and reported"
            else:
                conn = self.connections.get(session.connection)
                assert conn is not None, f"the connection of {session.worker} is unknown"
                assert conn.session is session, f"the connection of {session.worker} has another session"
                due_ns = min(due_ns, self._heartbeat_due_ns(session))
            assert session.due_ns <= due_ns, f"{session.worker} is looked at too late"
        assert self.awaited_sessions <= self.sessions.by_id.keys(), "an awaited session has ended"
        timing = fleet_timing(self._settings, len(self.sessions.by_id))
        assert self._attempts.timing == timing, f"{self._attempts.timing} is not the fleet's {timing}"

    # -- inside --------------------------------------------

    def _supersede(self, worker: str, now_ns: int) -> None:
        current = self.sessions.of(worker)
        if current is not None and current.connection is not None:
            detail = "superseded by a newer connection"
            self._effects.closes.append(Close(current.connection, CloseCode.superseded, detail))
            self.disconnect(self.connections[current.connection], "superseded", detail, now_ns)

    def _begin(self, now_ns: int, hello: Hello, session_id: str) -> Session:
        """Begin a new session; the current one of the worker ends."""
        current = self.sessions.of(hello.worker)
        session = Session(session_id, hello.worker, hello.incarnation, Channel(self._bounds))
        self.sessions.begin(session, now_ns)
        self._effects.rows.append(SessionRow(session.id, session.worker, session.incarnation))
        if current is not None:
            same_process = current.incarnation == hello.incarnation
            if same_process:
                self._attempts.transfer(current, session)
                if current.id in self.awaited_sessions:
                    self.awaited_sessions.add(session.id)
            self._end(current, AttemptLoss.reset if same_process else AttemptLoss.process, now_ns)
        self._update_timing()
        return session

    def _new_session_id(self) -> str:
        return self._random_bytes(SESSION_BYTES).hex()

    def _welcome(
        self, hello: Hello, requested: Session | None, outcome: str, because: str, new_stream: bool
    ) -> Welcome:
        timing = self._attempts.timing
        session, received = (
            (requested.id, requested.channel.committed) if requested else (self._new_session_id(), 0)
        )
        return Welcome(
            outcome=outcome, because=because, session=session, epoch=self._epoch,
            nonce=self._random_bytes(NONCE_BYTES), received=received, new_stream=new_stream,
            credit=self._bounds.window, heartbeat_interval_ms=timing.interval_ms,
            heartbeat_timeout_ms=timing.timeout_ms, backoff=Backoff(timing.base_ms, timing.cap_ms),
            compress=hello.compress and self._settings.compress,
        )  # fmt: skip

    def _connect(self, pending: PendingConnection, session: Session, now_ns: int) -> Connection:
        """Make the connection its session's active one, and restart the session's timers."""
        welcome = pending.welcome
        conn = Connection(pending.id, session, pending.decoder, pending.encoder, acked=welcome.received)
        self.connections[pending.id] = conn
        self.sessions.connect(session, pending.id, now_ns)
        session.interval_ms = welcome.heartbeat_interval_ms
        self._effects.rows.append(PresenceRow(session.id, pending.id, True))
        self._timers.at(session, self._heartbeat_due_ns(session))
        self._counters.add("connections", welcome.outcome)
        self._journal(
            events.WorkerJoined, worker=session.worker, session=session.id, epoch=self._epoch,
            outcome=welcome.outcome, because=welcome.because, incarnation=session.incarnation,
        )  # fmt: skip
        return conn

    def _end(self, session: Session, loss: AttemptLoss, now_ns: int) -> None:
        self._journal(events.WorkerGone, worker=session.worker, session=session.id, reason=loss.label)
        self._ledger.abandon_all(session, loss)
        self.sessions.end(session, now_ns)
        self._effects.rows.append(SessionEndRow(session.id))
        self._stop_awaiting(session)
        self._update_timing()

    def _stop_awaiting(self, session: Session) -> None:
        if session.id in self.awaited_sessions:
            self.awaited_sessions.discard(session.id)
            if not self.awaited_sessions:
                self._ledger.release()

    def _heartbeat_due_ns(self, session: Session) -> int:
        return session.last_seen_ns + (session.interval_ms + self._attempts.timing.timeout_ms) * MS

    def _update_timing(self) -> None:
        self._attempts.timing = fleet_timing(self._settings, len(self.sessions.by_id))
