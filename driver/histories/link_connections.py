"""The connections of each link, from the journals of doors: from accept to the end of both sides. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import get_args

from driver.histories.history import History
from driver.histories.journal_kinds import is_door
from driver.histories.link_events import (
    CLIENT,
    CLOSED,
    DOOR,
    FIN,
    SERVER,
    ConnectionAnswered,
    ConnectionEnded,
    ConnectionFailed,
    ConnectionOpened,
    ConnectionSeen,
    DoorEvent,
    LinesOmitted,
    LinkNamed,
    StreamOfSide,
)
from wire.events import Event, ProcessStarted

_SILENT = StreamOfSide(0, 0, 0, 0, "")
_NORMAL_CODES = (1000, 1001)
_OUTSIDE = "outside->"
"""The begin of a pair whose clients are no replicas: they share one link."""
_GOODBYE_NS = 50_000_000
"""A client that closes within this after its last bytes does not wait for an answer to them."""
_DOOR_EVENTS = get_args(DoorEvent)
EMPTY: Mapping[str, str] = MappingProxyType({})


@dataclass
class LinkConnection:
    """One connection that a client asked for. Times are monotonic nanoseconds; 0: it did not happen.

    `failed` is why the door could not carry it ("": it did). `client` and `server` are the streams of both
    sides; of a connection that is open they are those of the door's last line about it.
    """

    link: str
    asked_ns: int
    opened_ns: int = 0
    failed: str = ""
    answered_ns: int = 0
    status: int = 0
    websocket: bool = False
    client: StreamOfSide = _SILENT
    server: StreamOfSide = _SILENT
    ended_by: str = ""
    how: str = ""
    client_ended_ns: int = 0
    server_ended_ns: int = 0
    round_trips_us: list[int] = field(default_factory=list)
    """Of the client's pings, from their arrival at the door to that of their pongs."""
    used_ns: list[int] = field(default_factory=list)
    """When the client had sent its last bytes, by each line of the door that has a later time than before."""

    @property
    def first_answer_ns(self) -> int:
        """When the server's first bytes came, or its first HTTP status."""
        return self.server.first_ns or self.answered_ns

    @property
    def closed_by(self) -> str:
        """The side that sent a WebSocket's close frame first, whichever ends the connection then; or "".

        A side sends nothing after its close frame, so that of the side that answers is the later one.
        """
        if self.client.close_code and self.server.close_code:
            return CLIENT if self.client.last_ns <= self.server.last_ns else SERVER
        if self.client.close_code:
            return CLIENT
        return SERVER if self.server.close_code else ""

    @property
    def is_orderly(self) -> bool:
        """Whether its end is no loss for the client.

        The client closed it with nothing unanswered, a plain HTTP exchange was over, or a WebSocket's client
        began to close it with a normal code.
        """
        if self.how != FIN or self.ended_by not in (CLIENT, SERVER):
            return False
        if self.websocket:
            return self.closed_by == CLIENT and self.client.close_code in _NORMAL_CODES
        if self.ended_by == SERVER:
            return self.status > 0 and self.client.last_ns <= self.server.last_ns
        waited_ns = self.client_ended_ns - self.client.last_ns
        return self.client.last_ns <= self.server.last_ns or waited_ns < _GOODBYE_NS

    @property
    def was_asked_to_end(self) -> bool:
        """Whether the server ended it at once after bytes of the client that it did not answer.

        So ends a protocol whose client says goodbye, and waits for no answer: PostgreSQL's Terminate, MySQL's
        COM_QUIT. A server that ends by itself just after a request looks the same.
        """
        if self.websocket or self.how != FIN or self.ended_by != SERVER:
            return False
        waited_ns = self.server_ended_ns - self.client.last_ns
        return self.client.last_ns > self.server.last_ns and waited_ns < _GOODBYE_NS


@dataclass
class LinkJournal:
    """One link: its connections in the order in which they were asked for, and the name of its door."""

    link: str
    door: str
    connections: list[LinkConnection] = field(default_factory=list)
    omitted: int = 0
    """Lines that the door left out, because too many came: the connections are not all here, and one that is
    may have ended.
    """


def link_journals(history: History) -> dict[str, LinkJournal]:
    """Return every link of the doors' journals by its name in the system, sorted.

    A link that has no name there yet keeps Toxiproxy's.
    """
    found: dict[str, LinkJournal] = {}
    for process in sorted(history.journals):
        if is_door(process):
            DoorReader(process, found).read(history.by(process))
    for one in found.values():
        one.connections.sort(key=lambda connection: connection.asked_ns)
    return dict(sorted(found.items()))


def incomplete_links(history: History) -> list[str]:
    """Return the links whose door left lines out: how their connections ended is not known."""
    return [name for name, one in history.view(link_journals).items() if one.omitted]


class DoorReader:
    """Reads one door's journal into `found`. Each life of the process numbers its connections from 1.

    `names` has the names of links by Toxiproxy's, where the journal is not read from its begin.
    """

    def __init__(self, door: str, found: dict[str, LinkJournal], names: Mapping[str, str] = EMPTY) -> None:
        self._door = door
        self._found = found
        self._open: dict[int, LinkConnection] = {}
        self._names: dict[str, str] = dict(names)
        self._links: dict[str, LinkJournal] = {}
        self._changed: set[str] = set()
        self._omitted = 0

    def read(self, events: Sequence[Event]) -> Collection[str]:
        """Add the connections of the next events of the journal; return the names of links that changed."""
        self._changed = set()
        for event in events:
            # What came before a link had its name belongs to the first one that it got.
            if isinstance(event, LinkNamed):
                self._names.setdefault(event.link, event.name)
        last_ns = 0
        for event in events:
            if isinstance(event, ProcessStarted):
                self._ended_with_the_door(last_ns)
            elif isinstance(event, LinkNamed):
                self._names[event.link] = event.name
            elif isinstance(event, _DOOR_EVENTS):
                self._add(event)
            last_ns = max(last_ns, event.at_ns)
        if self._omitted:
            self._changed |= self._links.keys()
        for one in self._links.values():
            one.omitted += self._omitted
        self._omitted = 0
        return self._changed

    def _link(self, link: str) -> LinkJournal:
        pair = link.rpartition("@")[0]
        name = self._names.get(link, pair if pair.startswith(_OUTSIDE) else link)
        one = self._links[name] = self._found.setdefault(name, LinkJournal(name, self._door))
        self._changed.add(name)
        return one

    def _add(self, event: DoorEvent) -> None:
        if isinstance(event, LinesOmitted) and not event.link:
            # Of more links than the door counts one by one.
            self._omitted += sum(event.counts.values())
            return
        of = self._link(event.link)
        if isinstance(event, ConnectionFailed):
            ended_ns = event.at_ns
            one = LinkConnection(of.link, event.asked_ns, failed=event.why, ended_by=DOOR)
            one.client_ended_ns = one.server_ended_ns = ended_ns
            of.connections.append(one)
        elif isinstance(event, ConnectionOpened):
            self._opened(event, of)
        elif isinstance(event, ConnectionAnswered):
            if one_open := self._open.get(event.connection):
                one_open.answered_ns, one_open.status = event.at_ns, event.status
                one_open.websocket = event.websocket
        elif isinstance(event, ConnectionSeen | ConnectionEnded):
            self._seen(event, of)
        elif isinstance(event, LinesOmitted):
            of.omitted += sum(event.counts.values())

    def _opened(self, event: ConnectionOpened, of: LinkJournal) -> None:
        one = self._open.get(event.connection)
        if one is None:
            one = self._open[event.connection] = LinkConnection(of.link, 0)
            of.connections.append(one)
        one.asked_ns, one.opened_ns = event.asked_ns or event.at_ns, event.at_ns

    def _seen(self, event: ConnectionSeen | ConnectionEnded, of: LinkJournal) -> None:
        one = self._open.get(event.connection)
        if one is None:
            # Its first line was left out.
            one = self._open[event.connection] = LinkConnection(of.link, event.opened_ns, event.opened_ns)
            of.connections.append(one)
        one.client, one.server = event.client, event.server
        one.client_ended_ns, one.server_ended_ns = event.client.ended_ns, event.server.ended_ns
        one.ended_by, one.how = event.ended_by, event.how
        if event.client.last_ns > (one.used_ns[-1] if one.used_ns else 0):
            one.used_ns.append(event.client.last_ns)
        if event.client.pings:
            one.round_trips_us += event.client.pings.rtt_us
        if isinstance(event, ConnectionEnded):
            del self._open[event.connection]

    def _ended_with_the_door(self, at_ns: int) -> None:
        """A killed door records no end."""
        for one in self._open.values():
            self._changed.add(one.link)
            one.ended_by, one.how = one.ended_by or DOOR, one.how or CLOSED
            one.client_ended_ns = one.client_ended_ns or at_ns
            one.server_ended_ns = one.server_ended_ns or at_ns
        self._open.clear()
