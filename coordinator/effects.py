"""What the core asks of its shell, all of it: rows to keep, connections that have something to send,
connections to close.

The shell takes them after each call of the core. Bytes are fetched with `Core.next_bytes` for each connection
that was woken; rows go to the store in order, and come back by `Core.on_stored` once they are durable.
(Journal lines are written by the core through its Journal, and the shell sees that they are on disk before
any byte leaves.)
"""

from __future__ import annotations

from dataclasses import dataclass, field

from coordinator.rows import AttemptRow, Row, TaskRow
from coordinator.session import Session
from wire.errors import CloseCode
from wire.messages import Message
from wire.priority import Priority


@dataclass(frozen=True, slots=True)
class Close:
    """Close this connection. The core has forgotten it already: whatever it still says changes nothing."""

    connection: int
    code: CloseCode
    reason: str


@dataclass(slots=True)
class Effects:
    """What is to be done, in the order in which it was decided."""

    rows: list[Row] = field(default_factory=list)
    wakes: dict[int, None] = field(default_factory=dict)
    closes: list[Close] = field(default_factory=list)

    def send(self, session: Session, message: Message, priority: Priority, now_ns: int) -> None:
        """Queue `message` for the session's worker, now or when it is back."""
        session.channel.send(message, priority, now_ns, always=True)
        self.wake(session)

    def wake(self, session: Session) -> None:
        """The session may have something to send."""
        if session.connection is not None:
            self.wakes[session.connection] = None

    def take_rows(self) -> list[Row]:
        """The rows that no store has seen yet."""
        rows, self.rows = self.rows, []
        return rows

    def may_linger(self) -> bool:
        """Whether there are rows, and nobody waits for any of them: a worker that was given an attempt of
        which the disk knows nothing says so itself after a restart. Of a task that was given before it is
        durable nobody was told anything.
        """
        given: set[int] = set()
        for row in reversed(self.rows):
            if type(row) is AttemptRow and row.open:
                given.add(row.number)
            elif type(row) is not TaskRow or row.number not in given:
                return False
        return bool(self.rows)

    def take_wakes(self) -> list[int]:
        """The connections that may have something to send."""
        wakes = list(self.wakes)
        self.wakes.clear()
        return wakes

    def take_closes(self) -> list[Close]:
        """The connections that are to be closed."""
        closes, self.closes = self.closes, []
        return closes
