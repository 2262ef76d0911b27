"""Which session a worker gets: the one that it had, or a new one, and why. And who is known at all."""

from __future__ import annotations

from dataclasses import dataclass

from coordinator.session import Session
from wire.handshake import Hello

FRESH, RESUMED, RESET = "fresh", "resumed", "reset"
GONE_MAX = 20_000


def decide(hello: Hello, known: Session | None, asked: Session | None) -> tuple[str, str]:
    """(outcome, why) for a worker that says `hello`.

    `known` is the session that stands under its name, `asked` the one that it wants back, None where there is
    no such.
    """
    if hello.resume is None:
        if known is None or known.incarnation != hello.incarnation:
            return FRESH, ""
        return RESET, "this process had a session of which it does not know"
    if asked is None:
        return RESET, "the session is not known here: it expired, ended, or was never durable"
    if asked.worker != hello.worker:
        return RESET, f"the session is {asked.worker}'s"
    if asked.incarnation != hello.incarnation:
        return FRESH, ""
    if asked is not known:
        return RESET, "a newer session of this worker stands"
    if asked.leaving:
        return RESET, "the session said goodbye"
    return RESUMED, ""


@dataclass(slots=True)
class Known:
    """A worker by its name. `state` is connected, lost or gone, since `since_ns`."""

    state: str
    since_ns: int
    connections: int = 0
    session: Session | None = None


class Sessions:
    """Every session by its id, and every worker by its name."""

    def __init__(self) -> None:
        self.by_id: dict[str, Session] = {}
        self.workers: dict[str, Known] = {}
        self.connected = 0

    def of(self, worker: str) -> Session | None:
        """The session that stands under a worker's name."""
        known = self.workers.get(worker)
        return known.session if known else None

    def begin(self, session: Session, now_ns: int) -> None:
        """`session` is its worker's one from now on."""
        self.by_id[session.id] = session
        known = self.workers.setdefault(session.worker, Known("lost", now_ns))
        known.session = session

    def end(self, session: Session, now_ns: int) -> None:
        """Nobody can resume `session` any more."""
        self.by_id.pop(session.id, None)
        known = self.workers.get(session.worker)
        if known is not None and known.session is session:
            known.session = None
            self._turn(known, "gone", now_ns)
            # A worker that is gone is only remembered for the eye: by the newest thousands.
            self.workers[session.worker] = self.workers.pop(session.worker)
            if len(self.workers) > len(self.by_id) + GONE_MAX:
                oldest = next(name for name, other in self.workers.items() if other.session is None)
                del self.workers[oldest]

    def connect(self, session: Session, connection: int, now_ns: int) -> None:
        """A connection speaks for `session`."""
        session.connection, session.heard_ns = connection, now_ns
        known = self.workers[session.worker]
        known.connections += 1
        self._turn(known, "connected", now_ns)

    def disconnect(self, session: Session, now_ns: int) -> None:
        """No connection speaks for `session` now."""
        session.connection, session.inventoried, session.lost_ns = None, False, now_ns
        self._turn(self.workers[session.worker], "lost", now_ns)

    def _turn(self, known: Known, state: str, now_ns: int) -> None:
        self.connected += (state == "connected") - (known.state == "connected")
        known.state, known.since_ns = state, now_ns
