"""A history in which each link is a client that connects again and again, made from the journals of doors.

A door records connections, not what their ends decide. This translates them into the events of processes that
say so themselves, a link in the place of a client and the door's other side in that of the server: then
outages, storms, gaps and policies are computed for any TCP client as for a client of the reference system.
Pure.

A connection is carried from the server's first bytes on; over a link whose server never sends any, from its
begin. An outage is from a loss of the last carried connection to the next one that is carried. Attempts that
run beside another one of the same link are not counted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from driver.histories.history import DRIVER, SERVER, History, JournalRead
from driver.histories.link_connections import LinkConnection, LinkJournal, link_journals
from driver.histories.link_events import CLIENT, RST, TIMEOUT
from driver.histories.run_timeline import EARLY_EFFECT_NS, FaultWindow, run_timeline
from driver.histories.server_events import ClientJoined, ClientLost
from wire.events import Connected, ConnectFailed, Connecting, ConnectionLost, Event, ProcessStopping

MIN_HTTP_FAILURE = 400
"""From this status on an answer to a WebSocket's upgrade is a refusal."""


def link_history(history: History) -> History:
    """Return the history of a run's links, with the driver's journal as it is; without doors it has none.

    A link whose door left lines out is not in it: a connection whose end is missing would seem to last.
    `incomplete_links` names those.
    """
    return history_of_links(link_journals(history), history.view(run_timeline).faults, history)


def history_of_links(
    journals: Mapping[str, LinkJournal], faults: Sequence[FaultWindow], run: History
) -> History:
    """Return the history of these links under these faults, with the driver's journal of `run`."""
    whole = {name: one for name, one in journals.items() if not one.omitted}
    servers: list[Event] = []
    read: dict[str, JournalRead] = {}
    for name, journal in whole.items():
        client = _Client(journal, [window for window in faults if window.reaches(name, tuple(whole))])
        client.replay()
        servers += client.server_events
        read[name] = JournalRead.of(name, client.events)
    servers.sort(key=lambda event: event.at_ns)
    read[SERVER] = JournalRead.of(SERVER, servers)
    if DRIVER in run.journals:
        read[DRIVER] = run.journals[DRIVER]
    return History(read, clients=list(whole))


class _Client:
    """Replays one link's connections in order of time, as the events of a client and of its server."""

    def __init__(self, journal: LinkJournal, faults: Sequence[FaultWindow]) -> None:
        self.events: list[Event] = []
        self.server_events: list[Event] = []
        self._link = journal.link
        self._connections = journal.connections
        self._faults = faults
        self._answers = any(one.first_answer_ns for one in journal.connections)
        self._upgrades = any(one.websocket for one in journal.connections)
        self._carried: set[int] = set()
        self._held: set[int] = set()
        self._sessions = 0
        self._attempt = 0
        self._attempting: int | None = None
        self._lost = False

    def replay(self) -> None:
        """Fill `events` and `server_events`."""
        todo: list[tuple[int, int, int]] = []
        steps = (self._client_ended, self._server_ended, self._asked, self._carry)
        for index, one in enumerate(self._connections):
            carried_ns = self._carried_ns(one)
            todo.append((one.asked_ns, 2, index))
            if carried_ns:
                todo.append((carried_ns, 3, index))
            if one.client_ended_ns:
                todo.append((one.client_ended_ns, 0, index))
            if carried_ns and one.server_ended_ns:
                todo.append((one.server_ended_ns, 1, index))
        # Of one instant: ends before begins.
        for at_ns, step, index in sorted(todo):
            steps[step](index, at_ns)

    def _carried_ns(self, one: LinkConnection) -> int:
        """When a connection was carried; 0: never."""
        refused = self._upgrades and one.status >= MIN_HTTP_FAILURE
        if one.failed or refused:
            return 0
        return one.first_answer_ns if self._answers else one.opened_ns

    def _asked(self, index: int, at_ns: int) -> None:
        if self._carried or self._attempting is not None:
            return
        if not self._lost and self.events and not self._carried_ns(self._connections[index]):
            # The client was idle: what it finds broken now is an outage from here on.
            self._lose(at_ns, "closed", 0.0)
        self._attempt += 1
        self._attempting = index
        self._write(Connecting, at_ns, attempt=self._attempt)

    def _carry(self, index: int, at_ns: int) -> None:
        one = self._connections[index]
        if one.client_ended_ns and one.client_ended_ns < at_ns:
            return
        if not self._carried:
            if self._attempting is None:
                self._attempt += 1
                self._write(Connecting, at_ns, attempt=self._attempt)
            self._write(
                Connected,
                at_ns,
                attempt=self._attempt,
                session=str(self._sessions),
                epoch=0,
                outcome="fresh",
                because="",
                handshake_ms=(at_ns - one.asked_ns) / 1e6,
                replayed=0,
            )
            self._attempt, self._attempting, self._lost = 0, None, False
        self._carried.add(index)
        if not self._held:
            self._sessions += 1
            self._write_server(ClientJoined, at_ns, epoch=0, outcome="fresh", because="")
        self._held.add(index)

    def _client_ended(self, index: int, at_ns: int) -> None:
        one = self._connections[index]
        if index in self._carried:
            self._carried.discard(index)
            if not self._carried:
                if self._is_over(one, at_ns):
                    self._write(ProcessStopping, at_ns, reason="the client closed its connection in order")
                else:
                    self._lose(at_ns, _loss_kind(one), (at_ns - self._last_received_ns(one, at_ns)) / 1e6)
        elif index == self._attempting:
            self._attempting = None
            detail = one.failed or f"ended by the {one.ended_by} with {one.how}"
            kind = _failure_kind(one)
            self._write(
                ConnectFailed, at_ns, attempt=self._attempt, kind=kind, detail=detail, status=one.status
            )

    def _is_over(self, one: LinkConnection, at_ns: int) -> bool:
        """Whether a connection's end is no loss: in order, or with no fault on its link while it was open by
        the client itself, or by the server at the client's word.
        """
        if self._faults_at(one, at_ns):
            return False
        in_life = any(
            window.due_ns <= at_ns and (window.ended_ns is None or one.opened_ns <= window.ended_ns)
            for window in self._faults
        )
        by_client = one.was_asked_to_end or (one.ended_by == CLIENT and not one.websocket)
        return one.is_orderly or (by_client and not in_life)

    def _server_ended(self, index: int, at_ns: int) -> None:
        if index in self._held:
            self._held.discard(index)
            if not self._held:
                self._write_server(ClientLost, at_ns, kind="closed", detail="", silent_ms=0.0)

    def _lose(self, at_ns: int, kind: str, silent_ms: float) -> None:
        self._lost, self._attempt = True, 0
        session = str(self._sessions)
        self._write(ConnectionLost, at_ns, session=session, kind=kind, detail="", silent_ms=silent_ms)

    def _last_received_ns(self, one: LinkConnection, at_ns: int) -> int:
        """When the client last received bytes: a fault can hold back what the door has from the server."""
        received_ns = max(one.server.last_ns, one.opened_ns)
        return min([received_ns, at_ns, *(window.began_ns for window in self._faults_at(one, at_ns))])

    def _faults_at(self, one: LinkConnection, at_ns: int) -> list[FaultWindow]:
        """The faults on the link at an instant that began while the connection was open."""
        return [
            window
            for window in self._faults
            if one.opened_ns <= window.began_ns <= at_ns
            and (window.ended_ns is None or at_ns <= window.ended_ns + EARLY_EFFECT_NS)
        ]

    def _write(self, kind: type[Event], at_ns: int, /, **fields: object) -> None:
        self.events.append(kind(at_ns=at_ns, wall_s=0.0, by=self._link, **fields))

    def _write_server(self, kind: type[Event], at_ns: int, /, **fields: object) -> None:
        known = {"worker": self._link, "session": str(self._sessions)}
        self.server_events.append(kind(at_ns=at_ns, wall_s=0.0, by=SERVER, **known, **fields))


def _loss_kind(one: LinkConnection) -> str:
    """The kind of a loss as a client would record it. A client that ends a connection itself timed out."""
    if (one.closed_by or one.ended_by) == CLIENT:
        return "heartbeat_timeout"
    return {RST: "reset", TIMEOUT: "heartbeat_timeout"}.get(one.how, "closed")


def _failure_kind(one: LinkConnection) -> str:
    if one.status:
        return "status"
    if one.failed == "timeout" or (one.ended_by == CLIENT and not one.failed):
        return "timeout"
    return "refused" if one.failed else "reset"
