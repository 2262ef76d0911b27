"""The coordinator without its sockets, disk and clock: told what happened and when, it decides what is to be done.

    on_hello · on_bytes · on_closed · on_broken      connections
    on_submit · on_stored · on_tick · on_drain       the driver, the store, time, the end
    effects · next_bytes · next_due_ns               what the shell is to do (effects.py says how)

Every call takes the monotonic time in nanoseconds. A restart is a new Core over what the store kept.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from coordinator.attempts import MS, Attempts
from coordinator.connection import Connection, Traffic
from coordinator.counters import Counters
from coordinator.door import Door, Refused
from coordinator.effects import Close, Effects
from coordinator.hearing import Hearing
from coordinator.ledger import Ledger
from coordinator.pace import pace
from coordinator.rows import ReceivedRow, Recovered, Row, SessionEndRow, SessionRow
from coordinator.session import NEVER_NS, Session
from coordinator.sessions import FRESH, RESUMED, Sessions, decide
from coordinator.timers import Timers
from wire import control, events
from wire.channel import Bounds, Channel
from wire.codec import Limits, Opener, Sealer, SessionKeys, session_keys
from wire.events import Journal
from wire.handshake import Backoff, HandshakeError, Hello, Welcome
from wire.messages import GoAway
from wire.priority import Priority
from wire.refusals import CloseCode, FrameError, Reason
from wire.settings import CoordinatorSettings

NONCE_BYTES = 16
SESSION_BYTES = 9
CAPACITY_MAX = 2048
SESSIONS_MAX = 20_000
DRAIN_BASE_MS = 500
TOTALS_EVERY_NS = 1_000_000_000


@dataclass(frozen=True)
class Opening:
    """A hello that was accepted: the connection's number from now on, and the answer that goes into the header."""

    connection: int
    hello: Hello
    welcome: Welcome


class Core:
    """All decisions of one coordinator. `random_bytes` makes session ids and nonces."""

    def __init__(
        self,
        settings: CoordinatorSettings,
        fleet_key: bytes,
        recovered: Recovered,
        journal: Journal,
        random_bytes: Callable[[int], bytes],
        now_ns: int,
        limits: Limits = Limits(),
    ) -> None:
        self.epoch = recovered.epoch
        self.effects = Effects()
        self.counters = Counters()
        self.traffic = Traffic()
        self.draining = False
        self.sessions = Sessions()
        self._settings = settings
        self._fleet_key = fleet_key
        self._journal = journal
        self._random_bytes = random_bytes
        self._limits = limits
        self._bounds = Bounds()
        self._timers = Timers()
        self._connections: dict[int, Connection] = {}
        self._next_connection = 1
        self._door = Door(fleet_key, settings, journal, self.counters)
        self.attempts = Attempts(
            self.epoch, pace(settings, 0), self.effects, journal, self._timers, self.counters
        )
        self.ledger = Ledger(
            settings.waiting_tasks, settings.max_attempts, self.attempts, self.effects, journal, self.counters
        )
        self._hearing = Hearing(self.ledger, self.attempts, self._leave)
        self._totals: tuple[object, ...] = ()
        self._totals_ns = now_ns
        self._restore(recovered, now_ns)

    # -- connections ----------------------------------------------------------------------------------------------

    def on_hello(self, now_ns: int, wall_s: float, value: str | None) -> Opening | Refused:
        """A worker asks to come in. An Opening takes effect at once: an older connection of the same worker is over."""
        try:
            hello = self._door.read(now_ns, wall_s, value)
        except HandshakeError as error:
            return self._door.refuse(now_ns, error.reason, error.detail)
        known = self.sessions.of(hello.worker)
        asked = self.sessions.by_id.get(hello.resume.session) if hello.resume else None
        outcome, because = decide(hello, known, asked)
        if self.draining:
            retry_ms = DRAIN_BASE_MS + self._door.wait_ms(hello.worker, now_ns, resuming=outcome == RESUMED)
            return self._door.refuse(now_ns, Reason.draining, "the coordinator is leaving", hello.worker, retry_ms)
        wait_ms = self._door.wait_ms(hello.worker, now_ns, resuming=outcome == RESUMED)
        if wait_ms:
            return self._door.refuse(now_ns, Reason.full, "too many come at once; this is your slot", hello.worker, wait_ms)
        if known is None and len(self.sessions.by_id) >= SESSIONS_MAX:
            detail = f"{SESSIONS_MAX} sessions stand already"
            return self._door.refuse(now_ns, Reason.full, detail, hello.worker, self._settings.session_ttl_ms)
        return self._open(now_ns, hello, outcome, because, known, asked)

    def on_bytes(self, now_ns: int, connection: int, data: bytes | str) -> None:
        """A WebSocket message came in."""
        speaker = self._connections.get(connection)
        if speaker is None:
            return
        session = speaker.session
        before = session.channel.received
        try:
            frame = self.traffic.open(speaker, data)
            self._hearing.hear(speaker, frame, now_ns)
        except FrameError as error:
            self._refuse_frame(speaker, error, now_ns)
            return
        session.heard_ns = now_ns
        if session.channel.received > before:
            self.effects.rows.append(ReceivedRow(session.id, session.channel.received))
        self.ledger.assign(now_ns)
        self.effects.wake(session)

    def on_closed(self, now_ns: int, connection: int, kind: str, detail: str) -> None:
        """A connection ended; `kind` as in events.Lost. One that was superseded changes nothing."""
        speaker = self._connections.get(connection)
        if speaker is not None:
            self._cut(speaker, kind, detail, now_ns)

    def on_broken(self, now_ns: int, connection: int, error: FrameError) -> None:
        """What came in was no WebSocket message at all, or too large to be taken in."""
        speaker = self._connections.get(connection)
        if speaker is not None:
            self._refuse_frame(speaker, error, now_ns)

    def next_bytes(self, now_ns: int, connection: int) -> bytes | None:
        """The next WebSocket message for a connection; None when there is none for now."""
        speaker = self._connections.get(connection)
        return None if speaker is None else self.traffic.seal(speaker, now_ns)

    # -- the driver, the store, time ------------------------------------------------------------------------------

    def on_submit(self, tasks: list[control.Task]) -> control.Submitted:
        """Tasks to take. The answer may be given once the rows in `effects` are durable."""
        if self.draining:
            because = "the coordinator is leaving"
            return control.Submitted(0, 0, [control.RefusedTask(task.task_id, because) for task in tasks])
        return self.ledger.submit(tasks)

    def on_stored(self, now_ns: int, rows: list[Row]) -> None:
        """The store holds `rows` durably, in the order in which `effects` gave them."""
        for row in rows:
            if isinstance(row, ReceivedRow):
                session = self.sessions.by_id.get(row.session)
                if session is not None:
                    session.channel.commit(row.sequence)
                    self.effects.wake(session)
            else:
                self.ledger.on_stored(row, now_ns)
        self.ledger.assign(now_ns)

    def on_tick(self, now_ns: int) -> None:
        """Time passed; to be called at `next_due_ns`, or every few milliseconds."""
        while (session := self._timers.pop(now_ns)) is not None:
            self._look_at(session, now_ns)
        if now_ns - self._totals_ns >= TOTALS_EVERY_NS:
            self._totals_ns = now_ns
            self.record_totals()
        self.ledger.assign(now_ns)

    def next_due_ns(self) -> int:
        """When `on_tick` has something to do at the earliest."""
        return min(self._timers.next_ns(), self._totals_ns + TOTALS_EVERY_NS)

    def on_drain(self, now_ns: int) -> None:
        """Begin to leave: nothing new is taken or given, and every worker is told when to come back, one after the other."""
        if self.draining:
            return
        self.draining = True
        self.ledger.giving = False
        step_ms = 1000 / self._settings.admission_per_s
        for place, speaker in enumerate(self._connections.values()):
            goodbye = GoAway(round(DRAIN_BASE_MS + place * step_ms), "the coordinator is leaving")
            self.effects.send(speaker.session, goodbye, Priority.critical, now_ns)

    def is_idle(self) -> bool:
        """Whether no connected worker has anything in its hands, so that leaving costs nothing."""
        return not any(speaker.session.attempts for speaker in self._connections.values())

    # -- what is known --------------------------------------------------------------------------------------------

    def state(self, now_ns: int) -> control.State:
        """All of it."""
        workers = []
        for name, known in self.sessions.workers.items():
            session = known.session
            heard_ns = session.heard_ns if session else known.since_ns
            workers.append(
                control.WorkerState(
                    name, known.state, session.id if session else "", len(session.attempts) if session else 0,
                    (now_ns - heard_ns) // MS, known.connections, known.since_ns,
                )  # fmt: skip
            )
        return control.State(
            self.epoch, now_ns, self.draining, self.ledger.counts(), self.ledger.waiting_by_priority(), workers,
            self.counters.flat(),
        )  # fmt: skip

    def record_totals(self) -> None:
        """Write down the books and the traffic, if they changed since the last time."""
        counts, depths, connected = self.ledger.counts(), self.ledger.waiting_by_priority(), self.sessions.connected
        if (counts, connected) != self._totals:
            self._totals = (counts, connected)
            self._journal(
                events.Totals, submitted=counts.submitted, completed=counts.completed, failed=counts.failed,
                waiting=counts.waiting, assigned=counts.assigned, connected=connected, waiting_by_priority=depths,
            )  # fmt: skip
        self.traffic.record(self._journal)

    # -- the ways of a session ------------------------------------------------------------------------------------

    def _restore(self, recovered: Recovered, now_ns: int) -> None:
        for stored in recovered.sessions:
            channel = Channel(self._bounds, received=stored.received)
            session = Session(stored.session, stored.worker, stored.incarnation, channel, heard_ns=now_ns, lost_ns=now_ns)
            self.sessions.begin(session, now_ns)
            self._timers.at(session, now_ns + self._settings.session_ttl_ms * MS)
        self.ledger.restore(recovered, self.sessions.by_id, now_ns + self._settings.grace_ms * MS, now_ns)
        self._fleet_changed()

    def _open(
        self, now_ns: int, hello: Hello, outcome: str, because: str, known: Session | None, asked: Session | None
    ) -> Opening:
        older = known.connection if known else None
        if older is not None:
            self.effects.closes.append(Close(older, CloseCode.superseded, "a newer connection of this worker took over"))
            self._cut(self._connections[older], "superseded", "a newer connection took over", now_ns)
            known = self.sessions.of(hello.worker)
        session, new_stream = None, True
        if outcome == RESUMED and asked is not None and hello.resume is not None:
            new_stream = hello.resume.epoch != self.epoch
            try:
                self._hearing.delivered(asked, asked.channel.resume(0 if new_stream else hello.resume.received, 0))
                session = asked
            except FrameError as error:
                outcome, because = "reset", f"the worker has {error.detail}"
        if session is None:
            session = self._begin(now_ns, hello, outcome, known)
        session.capacity = min(max(hello.slots, 0) + max(hello.prefetch, 0), CAPACITY_MAX)
        opening, keys = self._welcome(hello, session, outcome, because, new_stream)
        self._connections[opening.connection] = Connection(
            opening.connection, session, Opener(keys.to_coordinator, self._limits),
            Sealer(keys.to_worker, compress=opening.welcome.compress), acked=opening.welcome.received,
        )  # fmt: skip
        self.sessions.connect(session, opening.connection, now_ns)
        session.interval_ms = opening.welcome.heartbeat_interval_ms
        self._timers.at(session, self._silence_ns(session))
        self.counters.add("connections", outcome)
        self._journal(
            events.WorkerJoined, worker=session.worker, session=session.id, epoch=self.epoch, outcome=outcome, because=because
        )
        return opening

    def _begin(self, now_ns: int, hello: Hello, outcome: str, known: Session | None) -> Session:
        """A new session; the one that stood under the worker's name ends."""
        channel = Channel(self._bounds)
        session = Session(self._random_bytes(SESSION_BYTES).hex(), hello.worker, hello.incarnation, channel)
        self.sessions.begin(session, now_ns)
        self.effects.rows.append(SessionRow(session.id, session.worker, session.incarnation))
        if known is not None:
            if known.incarnation == hello.incarnation:
                self.attempts.move(known, session)
            self._end(known, "a new process of the same name" if outcome == FRESH else "reset", now_ns)
        self._fleet_changed()
        return session

    def _welcome(
        self, hello: Hello, session: Session, outcome: str, because: str, new_stream: bool
    ) -> tuple[Opening, SessionKeys]:
        connection = self._next_connection
        self._next_connection += 1
        tempo = self.attempts.pace
        welcome = Welcome(
            outcome=outcome, because=because, session=session.id, epoch=self.epoch, nonce=self._random_bytes(NONCE_BYTES),
            received=session.channel.committed, new_stream=new_stream, credit=self._bounds.window,
            heartbeat_interval_ms=tempo.interval_ms, heartbeat_timeout_ms=tempo.timeout_ms,
            backoff=Backoff(tempo.base_ms, tempo.cap_ms), compress=hello.compress and self._settings.compress,
        )  # fmt: skip
        keys = session_keys(self._fleet_key, session.id, self.epoch, hello.nonce + welcome.nonce)
        return Opening(connection, hello, welcome), keys

    def _refuse_frame(self, speaker: Connection, error: FrameError, now_ns: int) -> None:
        self.counters.add("frames_refused", error.fault)
        self._journal(events.FrameRefused, peer=speaker.session.worker, fault=error.fault, detail=error.detail)
        self.effects.closes.append(Close(speaker.id, CloseCode.bad_frame, error.fault))
        self._cut(speaker, "bad_frame", error.detail, now_ns)

    def _cut(self, speaker: Connection, kind: str, detail: str, now_ns: int) -> None:
        """The connection is over, and its session waits for the next one."""
        session = speaker.session
        del self._connections[speaker.id]
        self.sessions.disconnect(session, now_ns)
        self.attempts.free.place(session)
        self.counters.add("connections_lost", kind)
        self._journal(
            events.WorkerLost, worker=session.worker, session=session.id, kind=kind, detail=detail,
            silent_ms=(now_ns - session.heard_ns) / MS,
        )  # fmt: skip
        if session.leaving:
            self._end(session, "goodbye", now_ns)
        else:
            self._timers.at(session, now_ns + self._settings.session_ttl_ms * MS)

    def _leave(self, session: Session, reason: str, now_ns: int) -> None:
        """The worker said goodbye; its connection stays for the acknowledgement."""
        session.leaving, session.ready = True, False
        self.attempts.free.place(session)
        self.ledger.lose_all(session, f"goodbye: {reason}", now_ns)

    def _end(self, session: Session, reason: str, now_ns: int) -> None:
        self._journal(events.WorkerGone, worker=session.worker, session=session.id, reason=reason)
        self.ledger.lose_all(session, reason, now_ns)
        self.sessions.end(session, now_ns)
        self.effects.rows.append(SessionEndRow(session.id))
        self._fleet_changed()

    def _look_at(self, session: Session, now_ns: int) -> None:
        """A session's time has come: for silence, for its leases, or for its end."""
        if self.sessions.by_id.get(session.id) is not session:
            return
        due_ns = NEVER_NS
        if session.connection is not None:
            due_ns = self._silence_ns(session)
            if due_ns <= now_ns:
                self.effects.closes.append(
                    Close(session.connection, CloseCode.heartbeat_timeout, "nothing was heard for too long")
                )
                self._cut(self._connections[session.connection], "heartbeat_timeout", "nothing was heard", now_ns)
        if session.connection is None and not session.leaving:
            due_ns = session.lost_ns + self._settings.session_ttl_ms * MS
            if due_ns <= now_ns:
                self._end(session, "expired", now_ns)
                return
        self._timers.at(session, min(due_ns, self.ledger.expire(session, now_ns)))

    def _silence_ns(self, session: Session) -> int:
        return session.heard_ns + (session.interval_ms + self.attempts.pace.timeout_ms) * MS

    def _fleet_changed(self) -> None:
        self.attempts.pace = pace(self._settings, len(self.sessions.by_id))
