"""The ways of a session: it begins, a connection speaks for it, the connection is lost, it is resumed, it
ends. And the welcome that says so.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from coordinator.attempts import Attempts
from coordinator.connection import Connection
from coordinator.counters import Counters
from coordinator.effects import Close, Effects
from coordinator.ledger import Ledger
from coordinator.pace import MS, pace
from coordinator.pending import Pending, PendingConnections
from coordinator.refusals import Refusals
from coordinator.rows import PresenceRow, Recovered, SessionEndRow, SessionRow
from coordinator.session import NEVER_NS, Loss, Session
from coordinator.sessions import RESET, RESUMED, Sessions, is_superseded
from coordinator.timers import Timers
from wire import events
from wire.channel import Bounds, Channel
from wire.codec import FrameDecoder, FrameEncoder, FrameLimits, session_keys
from wire.errors import CloseCode, FrameError
from wire.events import Journal
from wire.handshake import Backoff, Hello, Welcome
from wire.limits import WORDS_CHARS, cut
from wire.messages import Assign, Message
from wire.settings import CoordinatorSettings

NONCE_BYTES = 16
SESSION_BYTES = 9


@dataclass(frozen=True)
class Opening:
    """A hello that was accepted: the connection's number from now on, and the answer that goes into the
    header.
    """

    connection: int
    hello: Hello
    welcome: Welcome


class Fleet:
    """All sessions and their connections."""

    def __init__(
        self,
        epoch: int,
        settings: CoordinatorSettings,
        fleet_key: bytes,
        ledger: Ledger,
        attempts: Attempts,
        effects: Effects,
        journal: Journal,
        timers: Timers,
        counters: Counters,
        random_bytes: Callable[[int], bytes],
        limits: FrameLimits,
        bounds: Bounds,
        refusals: Refusals,
    ) -> None:
        self.sessions = Sessions()
        self.connections: dict[int, Connection] = {}
        self.pending = PendingConnections(effects, counters)
        self.awaited: set[str] = set()
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

    def welcome(self, now_ns: int, hello: Hello, outcome: str, because: str) -> Opening:
        """Answer a hello by `outcome`. Nothing changes until the connection's first frame, which alone shows
        that the hello is of now and of somebody with the key: `admit`.
        """
        asked, new_stream = None, True
        if outcome == RESUMED and hello.resume is not None:
            asked = self.sessions.by_id[hello.resume.session]
            new_stream = hello.resume.epoch != self._epoch
            if not new_stream and not asked.channel.was_sent(hello.resume.received):
                outcome, because = RESET, f"{hello.resume.received} messages were not sent in this session"
                asked = None
        welcome = self._welcome(hello, asked, outcome, because, new_stream)
        keys = session_keys(self._fleet_key, welcome.session, self._epoch, hello.nonce + welcome.nonce)
        tempo = self._attempts.pace
        pending = Pending(
            self._next_connection, hello, welcome, FrameDecoder(keys.to_coordinator, self._limits),
            FrameEncoder(keys.to_worker, compress=welcome.compress),
            now_ns + (tempo.interval_ms + tempo.timeout_ms) * MS,
        )  # fmt: skip
        self._next_connection += 1
        self.pending.add(pending)
        if self._epoch == 1 and self.sessions.of(hello.worker) is None:
            # In the first life every nonce is known, and nobody has the name who could be thrown out.
            self.admit(pending, now_ns)
        return Opening(pending.id, hello, welcome)

    def admit(self, pending: Pending, now_ns: int) -> Connection | None:
        """The connection's first frame came: from here on it speaks for its session, and an older one of its
        worker is over, whatever it still says. None where it cannot be any more what its welcome said.
        """
        self.pending.forget(pending.id)
        hello, welcome = pending.hello, pending.welcome
        standing = self.sessions.of(hello.worker)
        is_older = pending.id < self.sessions.newest_connection(hello.worker) or is_superseded(
            hello, standing, now_ns, self._attempts.pace.lease_ms
        )
        is_over = welcome.outcome == RESUMED and (
            standing is None or standing.id != welcome.session or standing.leaving
        )
        if is_older or is_over:
            detail = "another connection of this worker came in between"
            self.pending.close(pending, CloseCode.superseded, detail)
            return None
        self._supersede(hello.worker, now_ns)
        if welcome.outcome == RESUMED and standing is not None and hello.resume is not None:
            received = 0 if welcome.new_stream else hello.resume.received
            self.delivered(standing, standing.channel.resume(received, 0))
            session = standing
        else:
            session = self._begin(now_ns, hello, welcome.session)
        session.capacity = min(max(hello.slots, 0) + max(hello.prefetch, 0), self._settings.held)
        return self._connect(pending, session, now_ns)

    def delivered(self, session: Session, messages: list[Message]) -> None:
        """The worker has these."""
        for message in messages:
            if isinstance(message, Assign) and (attempt := session.attempts.get(message.token)):
                attempt.undelivered = None
        if messages:
            self._attempts.free.place(session)

    def inventoried(self, session: Session, now_ns: int) -> None:
        """The worker said what it holds."""
        self._attempts.keep_undelivered(session, now_ns)
        session.inventoried = True
        self._attempts.note_work(session, now_ns)
        self._attempts.free.place(session)
        self._no_more_awaited(session)

    def present(self, row: PresenceRow) -> None:
        """The disk knows of a session's connection."""
        session = self.sessions.by_id.get(row.session)
        if session is not None and row.connected:
            session.present = row.connection
            self._attempts.free.place(session)

    # -- it ends -------------------------------------------

    def refuse_frame(self, speaker: Connection, error: FrameError, now_ns: int) -> None:
        """Something came in that must not be believed: the connection is over, the session is not."""
        self._write_refusal(speaker.session.worker, error, now_ns)
        self._effects.closes.append(Close(speaker.id, CloseCode.bad_frame, error.fault))
        self.cut(speaker, "bad_frame", cut(error.detail, WORDS_CHARS), now_ns)

    def refuse_pending(self, pending: Pending, error: FrameError, now_ns: int) -> None:
        """The first that came in over a connection must not be believed: it never was anybody's."""
        self._write_refusal(pending.hello.worker, error, now_ns)
        self.pending.close(pending, CloseCode.bad_frame, error.fault)

    def _write_refusal(self, worker: str, error: FrameError, now_ns: int) -> None:
        self._counters.add("frames_refused", error.fault)
        detail = cut(error.detail, WORDS_CHARS)
        self._refusals.write(
            now_ns, events.FrameRefused, worker, error.fault, peer=worker, fault=error.fault, detail=detail
        )

    def cut(self, speaker: Connection, kind: str, detail: str, now_ns: int) -> None:
        """The connection is over, and its session waits for the next one."""
        session = speaker.session
        del self.connections[speaker.id]
        self.sessions.disconnect(session, now_ns)
        self._attempts.free.place(session)
        self._counters.add("connections_lost", kind)
        self._journal(
            events.WorkerLost, worker=session.worker, session=session.id, kind=kind, detail=detail,
            silent_ms=(now_ns - session.heard_ns) / MS,
        )  # fmt: skip
        if session.leaving:
            self._end(session, Loss.goodbye, now_ns)
        else:
            if not self._ledger.doubts_last:
                # (While they do, the worker may hold what the disk knows nothing of: another restart must
                # wait for it again.)
                self._effects.rows.append(PresenceRow(session.id, speaker.id, False))
            self._timers.at(session, now_ns + self._settings.session_ttl_ms * MS)

    def leave(self, session: Session, reason: str) -> None:
        """The worker said goodbye. Its connection stays until the worker has the acknowledgement."""
        session.leaving = True
        self._attempts.free.place(session)
        self._ledger.lose_all(session, Loss.goodbye, reason)

    def look_at(self, session: Session, now_ns: int) -> None:
        """A session's time has come: for silence, for its leases, or for its end."""
        if self.sessions.by_id.get(session.id) is not session:
            return
        due_ns = NEVER_NS
        if session.connection is not None:
            due_ns = self._silence_ns(session)
            if due_ns <= now_ns:
                speaker = self.connections[session.connection]
                detail = "nothing was heard for too long"
                self._effects.closes.append(Close(speaker.id, CloseCode.heartbeat_timeout, detail))
                self.cut(speaker, "heartbeat_timeout", detail, now_ns)
        if session.connection is None:
            if self.sessions.by_id.get(session.id) is not session:
                return
            due_ns = session.lost_ns + self._settings.session_ttl_ms * MS
            if due_ns <= now_ns:
                self._end(session, Loss.expired, now_ns)
                return
        self._timers.at(session, min(due_ns, self._ledger.expire(session, now_ns)))

    # -- a restart -----------------------------------------

    def restore(self, recovered: Recovered, now_ns: int) -> None:
        """Take up the sessions that the store kept. Those that were connected are awaited: until they have
        spoken, nobody knows all that they hold.
        """
        for stored in recovered.sessions:
            channel = Channel(self._bounds, received=stored.received)
            session = Session(
                stored.session, stored.worker, stored.incarnation, channel, heard_ns=now_ns, lost_ns=now_ns
            )
            self.sessions.begin(session, now_ns)
            self._timers.at(session, now_ns + self._settings.session_ttl_ms * MS)
            if stored.connected:
                self.awaited.add(session.id)
        self._size_changed()

    def check(self) -> None:
        """Raise AssertionError where sessions, connections and timers disagree. O(sessions + messages); for
        tests and simulations.
        """
        self.sessions.check()
        for session in self.sessions.by_id.values():
            session.channel.check()
            self._attempts.free.check(session)
            due_ns = min((a.deadline_ns for a in session.attempts.values()), default=NEVER_NS)
            if session.connection is None:
                due_ns = min(due_ns, session.lost_ns + self._settings.session_ttl_ms * MS)
                assert not session.inventoried, f"{session.worker} is not connected, and inventoried"
            else:
                speaker = self.connections.get(session.connection)
                assert speaker is not None, f"{session.worker} speaks over no connection"
                assert speaker.session is session, f"{session.worker} speaks over another one's connection"
                due_ns = min(due_ns, self._silence_ns(session))
            assert session.due_ns <= due_ns, f"{session.worker} is looked at too late"
        assert self.awaited <= self.sessions.by_id.keys(), "a session is awaited that stands no more"

    # -- inside --------------------------------------------

    def _supersede(self, worker: str, now_ns: int) -> None:
        known = self.sessions.of(worker)
        if known is not None and known.connection is not None:
            detail = "a newer connection of this worker took over"
            self._effects.closes.append(Close(known.connection, CloseCode.superseded, detail))
            self.cut(self.connections[known.connection], "superseded", detail, now_ns)

    def _begin(self, now_ns: int, hello: Hello, session_id: str) -> Session:
        """A new session; the one that stood under the worker's name ends."""
        known = self.sessions.of(hello.worker)
        session = Session(session_id, hello.worker, hello.incarnation, Channel(self._bounds))
        self.sessions.begin(session, now_ns)
        self._effects.rows.append(SessionRow(session.id, session.worker, session.incarnation))
        if known is not None:
            same_process = known.incarnation == hello.incarnation
            if same_process:
                self._attempts.move(known, session)
                if known.id in self.awaited:
                    self.awaited.add(session.id)
            self._end(known, Loss.reset if same_process else Loss.process, now_ns)
        self._size_changed()
        return session

    def _new_session_id(self) -> str:
        return self._random_bytes(SESSION_BYTES).hex()

    def _welcome(
        self, hello: Hello, asked: Session | None, outcome: str, because: str, new_stream: bool
    ) -> Welcome:
        tempo = self._attempts.pace
        session, received = (asked.id, asked.channel.committed) if asked else (self._new_session_id(), 0)
        return Welcome(
            outcome=outcome, because=because, session=session, epoch=self._epoch,
            nonce=self._random_bytes(NONCE_BYTES), received=received, new_stream=new_stream,
            credit=self._bounds.window, heartbeat_interval_ms=tempo.interval_ms,
            heartbeat_timeout_ms=tempo.timeout_ms, backoff=Backoff(tempo.base_ms, tempo.cap_ms),
            compress=hello.compress and self._settings.compress,
        )  # fmt: skip

    def _connect(self, pending: Pending, session: Session, now_ns: int) -> Connection:
        """From here on the new connection speaks for the session, and all its timers begin anew."""
        welcome = pending.welcome
        speaker = Connection(pending.id, session, pending.decoder, pending.encoder, acked=welcome.received)
        self.connections[pending.id] = speaker
        self.sessions.connect(session, pending.id, now_ns)
        session.interval_ms = welcome.heartbeat_interval_ms
        self._effects.rows.append(PresenceRow(session.id, pending.id, True))
        self._timers.at(session, self._silence_ns(session))
        self._counters.add("connections", welcome.outcome)
        self._journal(
            events.WorkerJoined, worker=session.worker, session=session.id, epoch=self._epoch,
            outcome=welcome.outcome, because=welcome.because, incarnation=session.incarnation,
        )  # fmt: skip
        return speaker

    def _end(self, session: Session, loss: Loss, now_ns: int) -> None:
        self._journal(events.WorkerGone, worker=session.worker, session=session.id, reason=loss.label)
        self._ledger.lose_all(session, loss)
        self.sessions.end(session, now_ns)
        self._effects.rows.append(SessionEndRow(session.id))
        self._no_more_awaited(session)
        self._size_changed()

    def _no_more_awaited(self, session: Session) -> None:
        if session.id in self.awaited:
            self.awaited.discard(session.id)
            if not self.awaited:
                self._ledger.release()

    def _silence_ns(self, session: Session) -> int:
        return session.heard_ns + (session.interval_ms + self._attempts.pace.timeout_ms) * MS

    def _size_changed(self) -> None:
        self._attempts.pace = pace(self._settings, len(self.sessions.by_id))
