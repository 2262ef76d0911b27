"""A run's history in memory: the events of all journals, typed, by kind and in order of time. Pure.

`of(kind)` returns events; `view(make)` caches what is derived from them, so that checks share it. `altered`
returns a changed copy, which shares all lists and views that the change does not concern.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from operator import attrgetter
from typing import Any, TypeVar, cast

import msgspec

from driver.histories.clocks import ONE_CLOCK, Clocks
from driver.histories.events import DriverEvent
from driver.typed_json import decode_json
from wire.errors import DECODE_ERRORS
from wire.events import ConnectionEvent, Event, ProcessStarted
from wire.journal_chain import ChainRead

E = TypeVar("E", bound=Event)
V = TypeVar("V")
Reads = frozenset[type[Event] | str]

DRIVER = "driver"
SERVER = "coordinator"
ALL = "*"
"""Stands in a set of reads for all that a history holds: its span and its number of events."""
_BEGIN = b'{"event":"'
_at_ns = attrgetter("at_ns")
_by = attrgetter("by")


class _Head(msgspec.Struct):
    event: str


@dataclass(frozen=True)
class Damage:
    """Lines of one journal that are not used. `lines` is their number where it can be computed.

    `what` is torn (by a kill), damaged, unknown, missing, refused (a kind or an author that this process may
    not write), foreign (something else in its folder), or hole (the seals prove that lines were removed,
    added or altered).
    """

    journal: str
    what: str
    lines: int
    because: str


@dataclass(frozen=True)
class JournalRead:
    """One process's journal: its events in the file's order, their line numbers, and its damage."""

    name: str
    events: Sequence[Event]
    line_numbers: Sequence[int]
    damage: tuple[Damage, ...] = ()
    chain: ChainRead | None = None

    @classmethod
    def of(cls, name: str, events: Sequence[Event]) -> JournalRead:
        """Return the journal that has these events, a line each, and no damage."""
        return cls(name, events, range(1, len(events) + 1))


class LineReader:
    """Decodes journals into events. An event kind that is not among its kinds counts as unknown, not damaged.

    `own` are the kinds that the process may write (None: all). A line of another kind, or one whose `by` is
    another process, is refused: a line's author is the owner of the file.
    """

    def __init__(
        self, more_kinds: Iterable[type[Event]] = (), own: Iterable[type[Event]] | None = None
    ) -> None:
        kinds: Any = ConnectionEvent | DriverEvent
        for kind in more_kinds:
            kinds = kinds | kind
        self._decoder = msgspec.json.Decoder(cast(type[Event], kinds))
        self._own = None if own is None else frozenset(own)

    def read(self, name: str, data: bytes) -> JournalRead:
        """Return the journal of process `name`. Raises nothing, whatever the bytes are."""
        try:
            events = self._decoder.decode_lines(data)
        except DECODE_ERRORS:
            return self._read_line_by_line(name, data)
        # A last line without a newline that decodes is whole.
        is_whole = not data.endswith(b"\n") or data.count(b"\n") == len(events)
        if not is_whole or not self._are_own(name, events):
            return self._read_line_by_line(name, data)
        return JournalRead.of(name, events)

    def event(self, name: str, line: bytes) -> Event | None:
        """Return one line of process `name`; None for one that does not decode or is refused."""
        try:
            event = self._decoder.decode(line)
        except DECODE_ERRORS:
            return None
        return None if self.refusal(name, event) else event

    def _are_own(self, name: str, events: Sequence[Event]) -> bool:
        """Whether `refusal` is "" for all events, computed by sets: there may be a million."""
        if self._own is not None and not self._own.issuperset(map(type, events)):
            return False
        return {name}.issuperset(map(_by, events))

    def refusal(self, name: str, event: Event) -> str:
        """Return why an event is no line of process `name`; "" when it is one."""
        if event.by != name:
            return f"a line names {event.by[:80]!r} as its author"
        if self._own is not None and type(event) not in self._own:
            return f"{name} may not write {type(event).__struct_config__.tag} events"
        return ""

    def _read_line_by_line(self, name: str, data: bytes) -> JournalRead:
        events: list[Event] = []
        numbers = array("I")
        wrong: dict[str, list[tuple[int, str]]] = {}

        def take(number: int, line: bytes) -> None:
            event = self._decoder.decode(line)
            if refused := self.refusal(name, event):
                wrong.setdefault("refused", []).append((number, refused))
                return
            events.append(event)
            numbers.append(number)

        lines = data.split(b"\n")
        torn = lines.pop()
        for number, line in enumerate(lines, 1):
            try:
                take(number, line)
            except DECODE_ERRORS as error:
                what, because = self._diagnose(line, str(error))
                if what == "damaged" and _is_begin(line) and self._begins_a_life(lines[number : number + 1]):
                    what = "torn"
                wrong.setdefault(what, []).append((number, because))
        if torn:
            try:
                take(len(lines) + 1, torn)
            except DECODE_ERRORS as error:
                what = "torn" if _is_begin(torn) else "damaged"
                wrong.setdefault(what, []).append((len(lines) + 1, str(error)))
        return JournalRead(
            name, events, numbers, tuple(_summed(name, what, lines) for what, lines in wrong.items())
        )

    def _begins_a_life(self, following: list[bytes]) -> bool:
        """Whether the next line is the first of a new process: a kill then tore the one before it."""
        try:
            return any(isinstance(self._decoder.decode(line), ProcessStarted) for line in following)
        except DECODE_ERRORS:
            return False

    @staticmethod
    def _diagnose(line: bytes, error: str) -> tuple[str, str]:
        try:
            kind = decode_json(line, _Head).event
        except DECODE_ERRORS:
            return "damaged", error
        return (
            ("unknown", f"event {kind!r}") if error.endswith("`$.event`") else ("damaged", f"{kind}: {error}")
        )


def _is_begin(fragment: bytes) -> bool:
    """Return whether a fragment is the begin of a line: what a kill leaves of one, unlike foreign bytes."""
    return fragment.startswith(_BEGIN) or _BEGIN.startswith(fragment)


def _summed(name: str, what: str, lines: list[tuple[int, str]]) -> Damage:
    first, because = lines[0]
    return Damage(name, what, len(lines), f"line {first}: {because[:200]}")


@dataclass(frozen=True)
class JournalLine:
    """The journal and line number of an event; 0 where several lines made it."""

    journal: str
    line: int

    def __str__(self) -> str:
        return f"{self.journal}.jsonl:{self.line}" if self.line else f"{self.journal}.jsonl"


@dataclass
class History:
    """All events of a run.

    `expected` are the processes that must have a journal, `clients` those that connect: of a foreign
    system its links (`system_history`), and `containers` are those of its services. `sealed`: every journal
    has seals, so that a line that is missing can be detected. `changed`, of an altered copy: the kinds of
    events and the processes whose journal it has changed, and ALL where its span is another one. All instants
    are of the driver's clock, as `clocks` converts those of other hosts.
    """

    journals: Mapping[str, JournalRead]
    expected: Sequence[str] = ()
    clients: Sequence[str] = ()
    sealed: bool = False
    damage: list[Damage] = field(default_factory=list)
    changed: Reads = frozenset()
    containers: Sequence[str] = ()
    clocks: Clocks = ONE_CLOCK
    _by_kind: dict[type[Event], list[Event]] = field(default_factory=dict, repr=False)
    _views: dict[Callable[[History], object], object] = field(default_factory=dict, repr=False)
    _view_reads: dict[Callable[[History], object], Reads] = field(default_factory=dict, repr=False)
    _reads: list[set[type[Event] | str]] = field(default_factory=list, repr=False)

    def __post_init__(self) -> None:
        by_kind = self._by_kind
        for name in sorted(self.journals):
            journal = self.journals[name]
            self.damage.extend(journal.damage)
            for event in journal.events:
                try:
                    by_kind[type(event)].append(event)
                except KeyError:
                    by_kind[type(event)] = [event]
        for events in by_kind.values():
            events.sort(key=_at_ns)
        for name in self.expected:
            if name not in self.journals:
                self.damage.append(Damage(name, "missing", 0, f"journals/{name}.jsonl does not exist"))

    def of(self, kind: type[E]) -> list[E]:
        """Return all events of `kind`, in order of time."""
        if self._reads:
            self._reads[-1].add(kind)
        return cast(list[E], self._by_kind.get(kind, []))

    def last(self, kind: type[E]) -> E | None:
        """Return the newest event of `kind`, or None."""
        events = self.of(kind)
        return events[-1] if events else None

    def merged(self, *kinds: type[Event]) -> list[Event]:
        """Return all events of several kinds, in order of time; of one instant, in the order of `kinds`."""
        return sorted((event for kind in kinds for event in self.of(kind)), key=_at_ns)

    def by(self, process: str) -> Sequence[Event]:
        """Return one process's events in the order of its journal; none where it has no journal."""
        if self._reads:
            self._reads[-1].add(process)
        journal = self.journals.get(process)
        return journal.events if journal else ()

    def view(self, make: Callable[[History], V]) -> V:
        """Return `make(self)`, computed once for each `make`."""
        if make not in self._views:
            self._views[make], self._view_reads[make] = self.read_by(make)
        if self._reads:
            self._reads[-1].update(self._view_reads[make])
        return cast(V, self._views[make])

    def read_by(self, make: Callable[[History], V]) -> tuple[V, Reads]:
        """Return `make(self)`, and what it read: kinds of events, processes whose journal, ALL."""
        self._reads.append(set())
        try:
            made = make(self)
        finally:
            reads = frozenset(self._reads.pop())
        if self._reads:
            self._reads[-1].update(reads)
        return made, reads

    def altered(self, removed: Iterable[Event], added: Iterable[Event]) -> History:
        """Return a copy without the events `removed` (these very objects) and with those `added`.

        Lists of other kinds and processes, and views that read none of the changed ones, are shared.
        """
        gone, more = list(removed), sorted(added, key=_at_ns)
        ids = frozenset(map(id, gone))
        kinds = {type(event) for event in (*gone, *more)}
        processes = {event.by for event in (*gone, *more)}
        copy = History.__new__(History)
        copy.__dict__.update(self.__dict__)
        copy._views, copy._view_reads, copy._reads = {}, {}, []
        copy._by_kind = dict(self._by_kind)
        for kind in kinds:
            copy._by_kind.pop(kind, None)
            if rest := _merged(self._by_kind.get(kind, ()), ids, [one for one in more if type(one) is kind]):
                copy._by_kind[kind] = rest
        journals = dict(self.journals)
        for process in processes:
            events = _merged(self.by(process), ids, [one for one in more if one.by == process])
            read = journals.get(process, JournalRead(process, (), ()))
            journals[process] = replace(read, events=events, line_numbers=range(1, len(events) + 1))
        copy.journals = journals
        changed: set[type[Event] | str] = {*kinds, *processes}
        if (copy.begin_ns, copy.end_ns) != (self.begin_ns, self.end_ns):
            changed.add(ALL)
        copy.changed = self.changed | changed
        for make, reads in self._view_reads.items():
            if changed.isdisjoint(reads):
                copy._views[make], copy._view_reads[make] = self._views[make], reads
        return copy

    def put(self, kind: type[E], events: Sequence[E]) -> None:
        """Replace all events of one kind, and drop the cached views."""
        self._by_kind.pop(kind, None)
        if events:
            self._by_kind[kind] = sorted(events, key=_at_ns)
        self._views.clear()
        self._view_reads.clear()

    def where(self, event: Event) -> JournalLine:
        """Return the journal and line of an event of this history. A linear search, for evidence alone."""
        for journal in (self.journals.get(event.by), *self.journals.values()):
            for index, other in enumerate(journal.events if journal else ()):
                if other is event and journal:
                    return JournalLine(journal.name, journal.line_numbers[index])
        return JournalLine(event.by, 0)

    @property
    def kinds(self) -> list[type[Event]]:
        """The kinds of events that it has, by their names."""
        self._read_all()
        return sorted(self._by_kind, key=lambda kind: kind.__name__)

    @property
    def tested(self) -> Sequence[str]:
        """The containers under test."""
        return self.containers or [SERVER, *self.clients]

    @property
    def files(self) -> list[JournalRead]:
        """The journals that are files: those of a foreign system's links are made from its doors'."""
        return [read for name, read in self.journals.items() if read.name == name]

    @property
    def count(self) -> int:
        """The number of events."""
        self._read_all()
        return sum(len(events) for events in self._by_kind.values())

    @property
    def begin_ns(self) -> int:
        """The instant of the first event; 0 without events."""
        self._read_all()
        return min((events[0].at_ns for events in self._by_kind.values()), default=0)

    @property
    def end_ns(self) -> int:
        """The instant of the last event; 0 without events."""
        self._read_all()
        return max((events[-1].at_ns for events in self._by_kind.values()), default=0)

    def _read_all(self) -> None:
        if self._reads:
            self._reads[-1].add(ALL)


def _merged(events: Sequence[Event], gone: frozenset[int], more: Sequence[Event]) -> list[Event]:
    """Return events in their order without those `gone`, and each of `more` before the first later one."""
    kept = [event for event in events if id(event) not in gone]
    if not more:
        return kept
    merged, begin = [], 0
    for event in more:
        end = next((at for at in range(begin, len(kept)) if kept[at].at_ns > event.at_ns), len(kept))
        merged += kept[begin:end]
        merged.append(event)
        begin = end
    return merged + kept[begin:]


EMPTY = History({})
