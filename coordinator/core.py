"""The coordinator without sockets, disk and clock: each call reports an event and its time, and the core
decides what follows.

    on_hello · on_bytes · on_closed · on_broken      connections
    on_submit · on_stored · on_tick · on_drain       the driver, the store, time, the end
    effects · next_bytes · next_due_ns               what the server has to do (effects.py says how)

Times are monotonic nanoseconds. A restart is a new CoordinatorCore over the stored state.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from coordinator.attempts import AttemptManager
from coordinator.connection import ConnectionTraffic, PendingConnection
from coordinator.counters import MetricCounters
from coordinator.dispatch import MessageDispatcher
from coordinator.effects import Effects
from coordinator.handshake import HandshakeRefusal, HandshakeValidator
from coordinator.ledger import Ledger
from coordinator.proofs import AttemptProofs
from coordinator.refusal_log import RefusalLog
from coordinator.rows import (
    AttemptRow,
    CheckpointRow,
    PresenceRow,
    ReceivedRow,
    Recovered,
    ReleaseRow,
    ResultRow,
    Row,
    TaskRow,
)
from coordinator.session import NEVER_NS
from coordinator.session_manager import AcceptedHandshake, SessionManager
from coordinator.session_registry import RESUMED, is_superseded, resume_decision
from coordinator.timers import SessionTimers
from coordinator.timing import MS, fleet_timing, grace_ms
from wire import control, task_events
from wire.channel import Bounds
from wire.codec import FrameLimits
from wire.errors import FrameError, RefusalReason
from wire.events import Journal
from wire.handshake import HandshakeError
from wire.messages import GoAway
from wire.priority import Priority
from wire.probe_stream import ProbeStream
from wire.settings import CoordinatorSettings

__all__ = ["AcceptedHandshake", "CoordinatorCore", "HandshakeRefusal"]

SESSIONS_MAX: Final = 20_000
DRAIN_BASE_MS: Final = 500
TOTALS_EVERY_NS: Final = 1_000_000_000
FROZEN_NS: Final = 3_000_000_000
"""After a tick gap this long, assume that this process was paused, and expire no worker."""


class CoordinatorCore:
    """All decisions of one coordinator. `random_bytes` makes session ids and nonces."""

    def __init__(
        self,
        settings: CoordinatorSettings,
        fleet_key: bytes,
        recovered: Recovered,
        journal: Journal,
        random_bytes: Callable[[int], bytes],
        now_ns: int,
        limits: FrameLimits | None = None,
    ) -> None:
        self.epoch = recovered.epoch
        self.effects = Effects()
        self.counters = MetricCounters()
        self.traffic = ConnectionTraffic()
        self.draining = False
        self.settings = settings
        self._journal = journal
        self._timers = SessionTimers()
        bounds = Bounds()
        self._attempts = AttemptManager(
            self.epoch, settings.max_attempts, proofs := AttemptProofs(recovered.secret),
            fleet_timing(settings, 0), self.effects, journal, self._timers, self.counters,
        )  # fmt: skip
        self._refusals = RefusalLog(journal)
        self.ledger = Ledger(
            settings.waiting_tasks,
            self._attempts,
            proofs,
            self.effects,
            journal,
            self.counters,
            self._refusals,
        )
        self.fleet = SessionManager(
            self.epoch, settings, fleet_key, self.ledger, self._attempts, self.effects, journal, self._timers,
            self.counters, random_bytes, limits or FrameLimits(), bounds,
            self._refusals,
        )  # fmt: skip
        self._handshakes = HandshakeValidator(fleet_key, settings, self._refusals, self.counters)
        self._dispatcher = MessageDispatcher(self.ledger, self._attempts, self.fleet, bounds)
        self._totals: tuple[object, ...] = ()
        self._totals_ns = self._ticked_ns = now_ns
        self.fleet.restore(recovered, now_ns)
        self._grace_ends_ns = now_ns + grace_ms(settings, self._attempts.timing) * MS
        self.ledger.restore(recovered, self.fleet.sessions.by_id, self._grace_ends_ns, now_ns)
        if not self.fleet.awaited_sessions:
            self.ledger.release()

    # -- connections ---------------------------------------

    def on_hello(self, now_ns: int, wall_s: float, value: str | None) -> AcceptedHandshake | HandshakeRefusal:
        """Answer a handshake; `value` is its header, None where it has none. An AcceptedHandshake takes
        effect with the connection's first frame.
        """
        try:
            hello = self._handshakes.read(now_ns, wall_s, value)
        except HandshakeError as error:
            return self._handshakes.refuse(now_ns, error.reason, error.detail, error.worker)
        sessions = self.fleet.sessions
        current = sessions.of(hello.worker)
        requested = sessions.by_id.get(hello.resume.session) if hello.resume else None
        if is_superseded(hello, current, now_ns, self._attempts.timing.lease_ms):
            wait_ms = sessions.workers[hello.worker].retry_after_ms()
            detail = "a newer process has this worker's name; give each its own (WORKER_INDEX), or end one"
            return self._handshakes.refuse(now_ns, RefusalReason.superseded, detail, hello.worker, wait_ms)
        outcome, because = resume_decision(hello, current, requested)
        wait_ms = self._handshakes.wait_ms(hello.worker, now_ns, resuming=outcome == RESUMED)
        if self.draining:
            reason, wait_ms = RefusalReason.draining, DRAIN_BASE_MS + wait_ms
            detail = "the coordinator is leaving"
        elif wait_ms:
            reason, detail = RefusalReason.full, "admission rate reached; retry after the time in Retry-After"
        elif current is None and len(sessions.by_id) + len(self.fleet.pending) >= SESSIONS_MAX:
            reason, wait_ms = RefusalReason.full, self.settings.session_ttl_ms
            detail = f"{SESSIONS_MAX} sessions exist already"
        else:
            return self.fleet.accept(now_ns, hello, outcome, because)
        return self._handshakes.refuse(now_ns, reason, detail, hello.worker, wait_ms)

    def on_bytes(self, now_ns: int, connection: int, data: bytes | str) -> None:
        """Process a WebSocket message of a connection."""
        sender = self.fleet.connections.get(connection) or self.fleet.pending.get(connection)
        if sender is None:
            return
        try:
            raw_bytes = sender.decoder.raw_bytes
            frame = self.traffic.decode(sender, data)
            conn = self.fleet.admit(sender, now_ns) if isinstance(sender, PendingConnection) else sender
            if conn is None:
                return
            session = conn.session
            received = session.channel.received
            self._dispatcher.dispatch(conn, frame, sender.decoder.raw_bytes - raw_bytes, now_ns)
        except FrameError as error:
            self.on_broken(now_ns, connection, error)
            return
        session.last_seen_ns = now_ns
        if session.channel.received > received:
            self.effects.rows.append(ReceivedRow(session.id, session.channel.received))
        self.ledger.assign(now_ns)
        self.effects.wake(session)

    def on_closed(self, now_ns: int, connection: int, kind: str, detail: str) -> None:
        """Process the end of a connection; `kind` as in events.ConnectionLost. The end of a superseded or
        pending connection changes nothing.
        """
        self.fleet.pending.forget(connection)
        conn = self.fleet.connections.get(connection)
        if conn is not None:
            self.fleet.disconnect(conn, kind, detail, now_ns)

    def on_broken(self, now_ns: int, connection: int, error: FrameError) -> None:
        """Process input that is no valid WebSocket message, or too large."""
        conn, pending = self.fleet.connections.get(connection), self.fleet.pending.get(connection)
        if conn is not None:
            self.fleet.refuse_frame(conn, error, now_ns)
        elif pending is not None:
            self.fleet.refuse_pending(pending, error, now_ns)

    def is_open(self, connection: int) -> bool:
        """Return whether a connection is its session's active one, or pending."""
        return connection in self.fleet.connections or connection in self.fleet.pending

    def next_bytes(self, now_ns: int, connection: int) -> bytes | None:
        """Return the next WebSocket message for a connection; None when there is none for now."""
        conn = self.fleet.connections.get(connection)
        return None if conn is None else self.traffic.encode_next(conn, now_ns)

    # -- the driver, the store, time -----------------------

    def on_submit(
        self, now_ns: int, tasks: list[control.TaskSpec], *, at_once: bool = False
    ) -> control.SubmissionReply:
        """Accept tasks. The answer may be sent once the rows in `effects` are durable.

        With `at_once` the submitter waits for the results: then a free worker may get a task before
        it is durable (ledger.py).
        """
        if self.draining:
            because = "the coordinator is leaving"
            return control.SubmissionReply(
                0, 0, [control.RefusedTask(task.task_id, because) for task in tasks]
            )
        return self.ledger.submit(tasks, now_ns, at_once=at_once)

    def on_stored(self, now_ns: int, rows: list[Row]) -> None:
        """Process rows that became durable, in the order in which `effects` gave them."""
        for row in rows:
            if isinstance(row, (ResultRow, TaskRow, AttemptRow, CheckpointRow, ReleaseRow)):
                self.ledger.on_stored(row, now_ns)
            elif isinstance(row, ReceivedRow):
                session = self.fleet.sessions.by_id.get(row.session)
                if session is not None:
                    session.channel.commit(row.sequence)
                    self.effects.wake(session)
            elif isinstance(row, PresenceRow):
                self.fleet.on_presence_stored(row)
        self.ledger.assign(now_ns)

    def on_tick(self, now_ns: int) -> None:
        """Process the passing of time; to be called at `next_due_ns`, or every few milliseconds."""
        was_frozen = now_ns - self._ticked_ns > FROZEN_NS
        self._ticked_ns = now_ns
        if was_frozen:
            # The workers' messages of that time are still in the sockets: no timeout is judged before them.
            return
        while (session := self._timers.pop(now_ns)) is not None:
            self.fleet.check_timers(session, now_ns)
        self.fleet.pending.expire(now_ns)
        if self.fleet.awaited_sessions and now_ns >= self._grace_ends_ns:
            self.fleet.awaited_sessions.clear()
            self.ledger.release()
        if now_ns - self._totals_ns >= TOTALS_EVERY_NS:
            self._totals_ns = now_ns
            self.record_totals()
        self.ledger.assign(now_ns)

    def next_due_ns(self) -> int:
        """Return the earliest time at which `on_tick` has something to do."""
        grace_ends_ns = self._grace_ends_ns if self.fleet.awaited_sessions else NEVER_NS
        totals_ns = self._totals_ns + TOTALS_EVERY_NS
        return min(
            self._timers.next_ns(), grace_ends_ns, totals_ns, self.ledger.next_due_ns(),
            self.fleet.pending.due_ns(),
        )  # fmt: skip

    def on_drain(self, now_ns: int) -> None:
        """Begin to drain: accept and assign nothing new, and send every worker a staggered time to
        reconnect.
        """
        if self.draining:
            return
        self.draining = True
        self.ledger.assigning = False
        step_ms = 1000 / self.settings.admission_per_s
        for place, conn in enumerate(self.fleet.connections.values()):
            go_away = GoAway(round(DRAIN_BASE_MS + place * step_ms), "the coordinator is leaving")
            self.effects.send(conn.session, go_away, Priority.critical, now_ns)

    # -- what is known -------------------------------------

    def is_idle(self) -> bool:
        """Return whether no connected worker holds an attempt, so that stopping loses no work."""
        return not any(conn.session.attempts for conn in self.fleet.connections.values())

    def state(self, now_ns: int) -> control.CoordinatorState:
        """Return the whole state, for the control API."""
        workers = []
        for name, known in self.fleet.sessions.workers.items():
            session = known.session
            last_seen_ns = session.last_seen_ns if session else known.since_ns
            state = control.WorkerState(
                name=name, state=known.state, session=session.id if session else "",
                assigned=len(session.attempts) if session else 0, heard_ms_ago=(now_ns - last_seen_ns) // MS,
                connections=known.connections, since_ns=known.since_ns,
                still_ms=self._attempts.idle_ms(session, now_ns) if session else 0,
            )  # fmt: skip
            workers.append(state)
        return control.CoordinatorState(
            self.epoch, now_ns, self.draining, self.ledger.counts(), self.ledger.waiting_by_priority(),
            workers, self.counters.flat(),
        )  # fmt: skip

    def check(self) -> None:
        """Raise AssertionError where counters and contents disagree. O(everything); for tests and
        simulations, after any call.
        """
        self.fleet.check()
        self.ledger.check(self.fleet.sessions.by_id.values())

    def on_probe_ended(self, stream: ProbeStream, how: str) -> None:
        """Record the end of a standing connection of the prober."""
        stream.write_end(self._journal, how)

    def record_totals(self) -> None:
        """Write counts, traffic and omitted refusals into the journal, where they changed since the last
        call.
        """
        self._refusals.summarise()
        counts, depths = self.ledger.counts(), self.ledger.waiting_by_priority()
        connected = self.fleet.sessions.connected
        if (counts, connected) != self._totals:
            self._totals = (counts, connected)
            self._journal(
                task_events.Totals,
                submitted=counts.submitted, completed=counts.completed, failed=counts.failed,
                waiting=counts.waiting, assigned=counts.assigned, connected=connected,
                waiting_by_priority=depths,
            )  # fmt: skip
        self.traffic.record(self._journal)
