"""All sessions and all workers, and the decision which session a worker gets."""

from __future__ import annotations

from dataclasses import dataclass

from coordinator.session import Session
from wire.handshake import Hello

FRESH, RESUMED, RESET = "fresh", "resumed", "reset"
GONE_MAX = 20_000
RETRY_BASE_MS, RETRY_MAX_MS = 1_000, 60_000


def resume_decision(hello: Hello, known: Session | None, requested: Session | None) -> tuple[str, str]:
    """Return (outcome, reason) for a hello.

    `known` is the current session of the worker's name, `requested` the one that it wants to resume; None
    where there is none.
    """
    if hello.resume is None:
        if known is None or known.incarnation != hello.incarnation:
            return FRESH, ""
        return RESET, "this process has a session that it did not ask to resume"
    if requested is None:
        return RESET, "unknown session: it expired, ended, or was never durable"
    if requested.worker != hello.worker:
        return RESET, f"the session is {requested.worker}'s"
    if requested.incarnation != hello.incarnation:
        return FRESH, ""
    if requested is not known:
        return RESET, "this worker has a newer session"
    if requested.has_left:
        return RESET, "the session ended with a goodbye"
    return RESUMED, ""


def is_superseded(hello: Hello, known: Session | None, now_ns: int, lease_ms: int) -> bool:
    """Return whether a newer process has this worker's name, and is connected, or was less than a
    lease ago.

    Only a process that is not new asks to resume a session. If it were admitted, two live processes
    would end each other's sessions in turns, for ever.
    """
    if hello.resume is None or known is None or known.incarnation == hello.incarnation:
        return False
    return known.connection is not None or now_ns - known.lost_ns < lease_ms * 1_000_000


@dataclass(slots=True)
class KnownWorker:
    """A worker by its name. `state` is connected, lost or gone, since `since_ns`.

    `newest_connection` is the number of its last active connection. `turned_away` counts refusals of
    an older process during this session.
    """

    state: str
    since_ns: int
    connections: int = 0
    newest_connection: int = 0
    session: Session | None = None
    turned_away: int = 0

    def retry_after_ms(self) -> int:
        """Return the wait for the older process: twice as long each time, up to a minute."""
        self.turned_away += 1
        return int(min(RETRY_BASE_MS * 2 ** min(self.turned_away - 1, 16), RETRY_MAX_MS))


class SessionRegistry:
    """Every session by its id, and every worker by its name."""

    def __init__(self) -> None:
        self.by_id: dict[str, Session] = {}
        self.workers: dict[str, KnownWorker] = {}
        self.connected = 0

    def of(self, worker: str) -> Session | None:
        """Return the current session of a worker's name."""
        known = self.workers.get(worker)
        return known.session if known else None

    def newest_connection(self, worker: str) -> int:
        """Return the number of the last active connection of a worker's name; 0 where there was none."""
        known = self.workers.get(worker)
        return known.newest_connection if known else 0

    def begin(self, session: Session, now_ns: int) -> None:
        """Make `session` its worker's current one."""
        self.by_id[session.id] = session
        known = self.workers.setdefault(session.worker, KnownWorker("lost", now_ns))
        known.session, known.turned_away = session, 0

    def end(self, session: Session, now_ns: int) -> None:
        """Remove `session`, which cannot be resumed any more."""
        self.by_id.pop(session.id, None)
        known = self.workers.get(session.worker)
        if known is not None and known.session is session:
            known.session = None
            self._turn(known, "gone", now_ns)
            # Workers that are gone are kept for display only, the newest GONE_MAX of them.
            self.workers[session.worker] = self.workers.pop(session.worker)
            if len(self.workers) > len(self.by_id) + GONE_MAX:
                oldest = next(name for name, other in self.workers.items() if other.session is None)
                del self.workers[oldest]

    def connect(self, session: Session, connection: int, now_ns: int) -> None:
        """Record the active connection of `session`."""
        session.connection, session.last_seen_ns = connection, now_ns
        known = self.workers[session.worker]
        known.connections += 1
        known.newest_connection = connection
        self._turn(known, "connected", now_ns)

    def disconnect(self, session: Session, now_ns: int) -> None:
        """Record that `session` has no active connection."""
        session.connection, session.reported, session.lost_ns = None, False, now_ns
        self._turn(self.workers[session.worker], "lost", now_ns)

    def check(self) -> None:
        """Raise AssertionError where the two indexes, or the count, disagree. O(workers); for tests and
        simulations.
        """
        current = [known.session for known in self.workers.values() if known.session is not None]
        assert {session.id for session in current} == self.by_id.keys(), "a session is no worker's"
        connected = sum(session.connection is not None for session in current)
        assert self.connected == connected, f"{connected} are connected, not {self.connected}"

    def _turn(self, known: KnownWorker, state: str, now_ns: int) -> None:
        self.connected += (state == "connected") - (known.state == "connected")
        known.state, known.since_ns = state, now_ns
