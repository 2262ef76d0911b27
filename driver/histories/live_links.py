"""The links of a system that is up, from doors' journals while they grow. Pure.

What is kept is bounded: connections that ended long ago are dropped, and so are the oldest of a busy link.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from driver.histories.connection_history import ConnectionHistory, connection_histories
from driver.histories.events import ContainersRead, FaultBegun, FaultEnded, Healed
from driver.histories.history import DRIVER, History, JournalRead
from driver.histories.link_connections import DoorReader, LinkConnection, LinkJournal
from driver.histories.link_history import history_of_links
from driver.histories.run_timeline import run_timeline
from wire.events import Event

KEPT_NS = 600_000_000_000
MOST_CONNECTIONS = 400
"""Connections kept of one link."""
MOST_FAULTS = 500
"""Events of faults that are kept."""


@dataclass(frozen=True)
class LiveLink:
    """One link. `connections` are up to `read_ns`, and what is open then goes on; None where the door left
    lines out.
    """

    journal: LinkJournal
    connections: ConnectionHistory | None
    read_ns: int

    @property
    def name(self) -> str:
        """The link's name in the system."""
        return self.journal.link

    def attempts_since(self, at_ns: int) -> int:
        """Return how many connections the client asked for since an instant."""
        return sum(one.asked_ns >= at_ns for one in self.journal.connections)


class LiveLinks:
    """`names` has, of each door's process, the names of its links by Toxiproxy's.

    `kept_ns` is how long a connection is kept after its end.
    """

    def __init__(self, names: Mapping[str, Mapping[str, str]], kept_ns: int = KEPT_NS) -> None:
        self._names = names
        self._kept_ns = kept_ns
        self._journals: dict[str, LinkJournal] = {}
        self._readers: dict[str, DoorReader] = {}
        self._faults: list[Event] = []
        self._changed: set[str] = set()
        self._links: dict[str, LiveLink] = {}

    def add(self, door: str, events: Sequence[Event]) -> None:
        """Add the next events of a door's journal."""
        reader = self._readers.get(door)
        if reader is None:
            reader = self._readers[door] = DoorReader(door, self._journals, self._names.get(door, {}))
        self._changed |= set(reader.read(events))

    def add_fault(self, event: Event) -> None:
        """Add an event of the driver's about a fault; others change nothing."""
        if isinstance(event, FaultBegun | FaultEnded | Healed):
            self._faults = [*self._faults[-MOST_FAULTS + 1 :], event]
            self._changed |= self._journals.keys()

    def links(self, now_ns: int) -> Mapping[str, LiveLink]:
        """Return every link that was dialled, by name, as it is at `now_ns`."""
        changed, self._changed = self._changed, set()
        for one in self._journals.values():
            before = len(one.connections)
            one.connections[:] = _kept(one.connections, now_ns - self._kept_ns)
            if len(one.connections) < before:
                changed.add(one.link)
        if changed:
            self._links |= self._read(changed, now_ns)
        return self._links

    def _read(self, names: Iterable[str], now_ns: int) -> dict[str, LiveLink]:
        run = History({DRIVER: self._driver(now_ns)})
        journals = {name: self._journals[name] for name in sorted(names)}
        found = connection_histories(history_of_links(journals, run.view(run_timeline).faults, run))
        return {name: LiveLink(one, found.get(name), now_ns) for name, one in journals.items()}

    def _driver(self, now_ns: int) -> JournalRead:
        """Return the driver's journal: its faults, and that it looks now."""
        now = ContainersRead(at_ns=now_ns, wall_s=0.0, by=DRIVER, asked_ns=now_ns, closely=[])
        events = [*(one for one in self._faults if one.at_ns <= now_ns), now]
        return JournalRead.of(DRIVER, events)


def _kept(connections: list[LinkConnection], since_ns: int) -> list[LinkConnection]:
    """Return the connections that are open or ended since then: the newest of many, and open ones.

    The last one that was joined to its server's stays: a link whose client never came back is still lost.
    """
    connections.sort(key=_asked_ns)
    last = max((index for index, one in enumerate(connections) if one.opened_ns), default=-1)
    first_new = len(connections) - MOST_CONNECTIONS
    open_before = [one for one in connections[: max(0, first_new)] if not one.client_ended_ns]
    kept_before = {id(one) for one in open_before[-MOST_CONNECTIONS:]}
    return [
        one
        for index, one in enumerate(connections)
        if index == last
        or id(one) in kept_before
        or (index >= first_new and (one.client_ended_ns == 0 or one.client_ended_ns >= since_ns))
    ]


def _asked_ns(one: LinkConnection) -> int:
    return one.asked_ns
