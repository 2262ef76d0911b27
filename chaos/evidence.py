"""What was seen around a fault, and what follows from it. Pure: the prober and the journals saw it, the
driver gathers it here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Ending(StrEnum):
    """How a live connection ended, as its own end saw it.

    `torn` is a FIN in the middle of a frame; `given_up` one that stayed silent while new ones were answered.
    """

    fin = "fin"
    torn = "torn"
    rst = "rst"
    protocol = "protocol"
    given_up = "given_up"


class Outcome(StrEnum):
    """What became of one attempt to connect and be answered."""

    answered = "answered"
    refused = "refused"
    reset = "reset"
    closed = "closed"
    hung = "hung"
    rejected = "rejected"
    damaged = "damaged"


class Trace(StrEnum):
    """What a fault leaves on a link, so that two faults of one time can be told apart, or not."""

    late_up = "late to the coordinator"
    late_down = "late to the worker"
    slow_up = "slow to the coordinator"
    slow_down = "slow to the worker"
    silent = "silence"
    refused = "new connections that are refused"
    turned_away = "new connections that fail otherwise"
    ended = "connections that end"
    damaged = "damage"
    missing = "missing messages"
    repeated = "messages that come twice"


@dataclass(frozen=True)
class Other:
    """Another fault on the same link: its id and name, what it leaves there, and when it was on."""

    fault_id: str
    name: str
    traces: frozenset[Trace]
    from_ns: int
    until_ns: int


@dataclass(frozen=True)
class Silence:
    """A time in which a live connection gave nothing back. `healed` is true when it then went on, every byte
    in order; `up_ms` and `down_ms` are then the longest that a held message took each way (None: not known).
    """

    from_ns: int
    until_ns: int | None
    healed: bool
    up_ms: float | None = None
    down_ms: float | None = None


@dataclass(frozen=True)
class Trip:
    """One round trip, and its part each way: by two clocks, so that only differences of `up_ms` or of
    `down_ms` count. None where it is not known.
    """

    sent_ns: int
    at_ns: int
    up_ms: float | None = None
    down_ms: float | None = None

    @property
    def rtt_ms(self) -> float:
        """There and back."""
        return (self.at_ns - self.sent_ns) / 1e6


@dataclass(frozen=True)
class Attempt:
    """One new connection."""

    began_ns: int
    at_ns: int
    outcome: Outcome


@dataclass(frozen=True)
class Flow:
    """One measure of throughput: `size_bytes` were all here `at_ns`, asked for at `from_ns`. `bytes_per_s` is
    the rate after the first of them; `up_bytes_per_s` as they came to the far end (0: not known).
    """

    from_ns: int
    at_ns: int
    size_bytes: int
    bytes_per_s: float
    up_bytes_per_s: float = 0.0

    @property
    def least_bytes_per_s(self) -> float:
        """All of it over all of the time: what the link carried at the very least."""
        return self.size_bytes * 1e9 / max(1, self.at_ns - self.from_ns)


@dataclass(frozen=True)
class Tally:
    """Counts of a short time: messages sent, bytes compared, and what was wrong with them each way."""

    from_ns: int
    until_ns: int
    sent: int = 0
    compared_bytes: int = 0
    damaged_up: int = 0
    damaged_down: int = 0
    missing_up: int = 0
    missing_down: int = 0
    repeated_up: int = 0
    repeated_down: int = 0


@dataclass(frozen=True)
class Window:
    """What the prober saw on one link from one instant to another.

    `rtt_ms` are its round trips; `ends` are (instant, how) of its standing connection; `connects` counts its
    new connections by outcome; `compared_bytes` came back and were compared, `damaged_bytes` of them
    differed; `rates_bytes_per_s` were measured while it asked for all that the link would carry; `statuses`
    are what rejections said (HTTP status, Retry-After in s or -1). `lives` is whether anything came back at
    all.

    The same with its times: `trips`, `tries`, `flows` (bursts that were echoed), `downs` (downloads) and
    `tallies`; `beats_ns` are messages that the far end sent by itself.
    """

    from_ns: int
    until_ns: int
    rtt_ms: tuple[float, ...] = ()
    ends: tuple[tuple[int, Ending], ...] = ()
    connects: Mapping[Outcome, int] = field(default_factory=dict)
    silences: tuple[Silence, ...] = ()
    compared_bytes: int = 0
    damaged_bytes: int = 0
    missing_messages: int = 0
    repeated_messages: int = 0
    rates_bytes_per_s: tuple[float, ...] = ()
    statuses: frozenset[tuple[int, int]] = frozenset()
    lives: bool = False
    trips: tuple[Trip, ...] = ()
    tries: tuple[Attempt, ...] = ()
    flows: tuple[Flow, ...] = ()
    downs: tuple[Flow, ...] = ()
    tallies: tuple[Tally, ...] = ()
    beats_ns: tuple[int, ...] = ()

    @property
    def length_ns(self) -> int:
        """From its begin to its end."""
        return self.until_ns - self.from_ns

    @property
    def tried(self) -> int:
        """New connections in all."""
        return sum(self.connects.values())

    def count(self, outcome: Outcome) -> int:
        """New connections with this outcome."""
        return self.connects.get(outcome, 0)

    def ended(self, how: Ending) -> bool:
        """Whether the standing connection ended this way."""
        return any(ending is how for _, ending in self.ends)


@dataclass(frozen=True)
class LinkSeen:
    """One link before, during and after one fault.

    `counters` and `connections_hit` are Toxiproxy's own figures for that fault. `refused_frames` is how many
    frames the two ends under test refused on this link while it was on, as their journals say, and
    `altered_frames` those of them that damage alone explains. `others` are faults that were on this link at
    that time too. `stood` is whether the prober had a standing connection when it began (None: not known).
    """

    link: str
    before: Window
    during: Window
    after: Window
    counters: Mapping[str, int] = field(default_factory=dict)
    connections_hit: int = 0
    refused_frames: int = 0
    altered_frames: int = 0
    others: tuple[Other, ...] = ()
    stood: bool | None = None

    def beside(self, *traces: Trace) -> tuple[Other, ...]:
        """Other faults that were on while this one was, and leave one of these traces."""
        return tuple(
            other
            for other in self.others
            if other.traces & set(traces)
            and other.from_ns < self.during.until_ns
            and self.during.from_ns < other.until_ns
        )


class Change(StrEnum):
    """What can be changed about a container from outside: by a fault, or by others."""

    ended = "ended"
    paused = "paused"
    unplugged = "off the network"
    slowed = "under another processor limit"
    squeezed = "under another memory limit"


@dataclass(frozen=True)
class ContainerState:
    """State of a container at one instant, as the engine says it. `status` is running, paused, exited, …;
    `plugged` whether it is on the network under test; `cpus` None where nothing bounds them.
    """

    status: str
    plugged: bool = True
    cpus: float | None = None
    memory_bytes: int | None = None

    @property
    def ended(self) -> bool:
        """Whether no process of it runs."""
        return self.status in ("exited", "dead", "removing")


@dataclass(frozen=True)
class Gap:
    """A part of a fault's window in which it is not proved to have been on, and why."""

    from_ns: int
    until_ns: int
    because: str


@dataclass(frozen=True)
class ContainerSeen:
    """One container during one fault: from the call that hit it (`called_ns`, done at `from_ns`) to the call
    that healed it (`until_ns`).

    `states` are the engine's answers in that time (`running`, `paused`, `exited`), `networks` whether it was
    on the network under test, `cpus` and `memory_bytes` its limits then. `lines_ns` are the instants of its
    journal lines in that time, `starts_ns` those of new lives since the call, `stopped_in_order` whether it
    wrote its last line. `noticed` is whether the other side lost it.

    For what all links share, `probed_links` counts links on which the prober listened, `silent_links` those
    on which it heard nothing or was cut off, `revived_links` those on which it heard something afterwards.
    `has_journal` is false for Toxiproxy, which writes none. `gaps` are the parts of the window in which it is
    not proved that the fault was on. `made_cpus` and `made_memory_bytes` are the limits before any fault.
    """

    container: str
    called_ns: int
    from_ns: int
    until_ns: int
    states: frozenset[str] = frozenset()
    networks: frozenset[bool] = frozenset()
    cpus: float | None = None
    memory_bytes: int | None = None
    lines_ns: tuple[int, ...] = ()
    starts_ns: tuple[int, ...] = ()
    stopped_in_order: bool = False
    probed_links: int = 0
    silent_links: int = 0
    revived_links: int = 0
    has_journal: bool = True
    noticed: bool = False
    gaps: tuple[Gap, ...] = ()
    made_cpus: float | None = None
    made_memory_bytes: int | None = None

    @property
    def was_gone(self) -> bool:
        """Whether every link that it carries was silent or cut off."""
        return 0 < self.probed_links == self.silent_links

    def came_back(self, after_ns: int) -> bool:
        """Whether a new life began after an instant; without a journal, whether its links live again."""
        if self.has_journal:
            return any(at_ns >= after_ns for at_ns in self.starts_ns)
        return self.was_gone and self.revived_links == self.probed_links


@dataclass(frozen=True)
class Observation:
    """What one rule says about one target: whether the fault was really there, because of what, and how big.

    `asked` and `measured` are what `quantity` names, its unit last; None where a fault has no size.
    """

    seen: bool
    because: str
    asked: float | None = None
    measured: float | None = None
    quantity: str = ""
