"""Output of the core for its shell: rows to store, connections with something to send, connections to
close.

The server takes them after each call of the core. Bytes are fetched with `CoordinatorCore.next_bytes`
for each woken connection; rows go to the store in order, and come back by `CoordinatorCore.on_stored`
once they are durable. (The core writes journal lines through its Journal, and the server flushes them
before any byte leaves.)
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
    """Close this connection. The core has removed it already: later input on it changes nothing."""

    connection: int
    code: CloseCode
    reason: str


@dataclass(slots=True)
class Effects:
    """Pending output, in the order in which it was decided."""

    rows: list[Row] = field(default_factory=list)
    wakes: dict[int, None] = field(default_factory=dict)
    closes: list[Close] = field(default_factory=list)

    def send(self, session: Session, message: Message, priority: Priority, now_ns: int) -> None:
        """Queue `message` for the session's worker, for now or for its next connection."""
        session.channel.send(message, priority, now_ns, always=True)
        self.wake(session)

    def wake(self, session: Session) -> None:
        """Mark the session's connection as having something to send."""
        if session.connection is not None:
            self.wakes[session.connection] = None

    def take_rows(self) -> list[Row]:
        """Return and clear the rows that the store has not got yet."""
        rows, self.rows = self.rows, []
        return rows

    def may_linger(self) -> bool:
        """Return whether there are rows, and no answer depends on any of them. After a restart, a worker
        itself reports an attempt that the store lacks; and the submitter of a task that was assigned before
        it is durable has no answer yet.
        """
        assigned: set[int] = set()
        for row in reversed(self.rows):
            if type(row) is AttemptRow and row.open:
                assigned.add(row.number)
            elif type(row) is not TaskRow or row.number not in assigned:
                return False
        return bool(self.rows)

    def take_wakes(self) -> list[int]:
        """Return and clear the connections that may have something to send."""
        wakes = list(self.wakes)
        self.wakes.clear()
        return wakes

    def take_closes(self) -> list[Close]:
        """Return and clear the connections to close."""
        closes, self.closes = self.closes, []
        return closes
