"""The observations around a fault, from the prober's and the processes' journals, and the conclusion of
its rule. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from chaos.directions import LinkEnds


class CloseKind(StrEnum):
    """How the prober's standing connection ended.

    `torn` is a FIN inside a frame; `given_up` is a silent connection that the prober closed because new ones
    were answered.
    """

    fin = "fin"
    torn = "torn"
    rst = "rst"
    protocol = "protocol"
    given_up = "given_up"


class ConnectOutcome(StrEnum):
    """The outcome of one new connection."""

    answered = "answered"
    refused = "refused"
    reset = "reset"
    closed = "closed"
    hung = "hung"
    rejected = "rejected"
    damaged = "damaged"


class Symptom(StrEnum):
    """Symptoms that faults cause on a link. They decide whether simultaneous faults can be distinguished."""

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
class OtherFault:
    """Another fault on the same link: its id, name, symptoms, and when it was on."""

    fault_id: str
    name: str
    traces: frozenset[Symptom]
    from_ns: int
    until_ns: int


@dataclass(frozen=True)
class Silence:
    """A time in which nothing arrived on a live connection. `healed`: the connection then continued with
    every byte in order; `up_ms` and `down_ms` are then the longest delay of a held message in each direction
    (None: unknown).
    """

    from_ns: int
    until_ns: int | None
    healed: bool
    up_ms: float | None = None
    down_ms: float | None = None


@dataclass(frozen=True)
class RoundTrip:
    """One round trip and its part in each direction, by two clocks, so that only differences of `up_ms` or of
    `down_ms` are meaningful. None: unknown.
    """

    sent_ns: int
    at_ns: int
    up_ms: float | None = None
    down_ms: float | None = None

    @property
    def rtt_ms(self) -> float:
        """The whole round trip."""
        return (self.at_ns - self.sent_ns) / 1e6


@dataclass(frozen=True)
class NewConnection:
    """One new connection of the prober."""

    began_ns: int
    at_ns: int
    outcome: ConnectOutcome


@dataclass(frozen=True)
class ThroughputSample:
    """One measurement of throughput: `size_bytes`, requested at `from_ns`, had all arrived at `at_ns`.
    `bytes_per_s` is the rate after the first of them, `up_bytes_per_s` the rate at the far end (0: unknown).
    """

    from_ns: int
    at_ns: int
    size_bytes: int
    bytes_per_s: float
    up_bytes_per_s: float = 0.0

    @property
    def least_bytes_per_s(self) -> float:
        """All bytes over the whole time: a lower bound of the link's rate."""
        return self.size_bytes * 1e9 / max(1, self.at_ns - self.from_ns)


@dataclass(frozen=True)
class ProbeCounts:
    """Counts of a short time: messages sent, bytes compared, and errors in each direction."""

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
class LinkWindow:
    """The prober's observations on one link in a window of time.

    `rtt_ms` are round trips; `ends` are (time, kind) of the ends of its standing connection; `connects`
    counts new connections by outcome; of `compared_bytes` that were echoed, `damaged_bytes` differed;
    `rates_bytes_per_s` are measured with bursts; `statuses` are rejections (HTTP status, Retry-After in s or
    -1); `lives` is whether anything arrived at all.

    The same with times: `trips`, `tries` (new connections), `flows` (echoed bursts), `downs` (downloads) and
    `tallies`; `beats_ns` are messages that the far end sent unasked.
    """

    from_ns: int
    until_ns: int
    rtt_ms: tuple[float, ...] = ()
    ends: tuple[tuple[int, CloseKind], ...] = ()
    connects: Mapping[ConnectOutcome, int] = field(default_factory=dict)
    silences: tuple[Silence, ...] = ()
    compared_bytes: int = 0
    damaged_bytes: int = 0
    missing_messages: int = 0
    repeated_messages: int = 0
    rates_bytes_per_s: tuple[float, ...] = ()
    statuses: frozenset[tuple[int, int]] = frozenset()
    lives: bool = False
    trips: tuple[RoundTrip, ...] = ()
    tries: tuple[NewConnection, ...] = ()
    flows: tuple[ThroughputSample, ...] = ()
    downs: tuple[ThroughputSample, ...] = ()
    tallies: tuple[ProbeCounts, ...] = ()
    beats_ns: tuple[int, ...] = ()

    @property
    def length_ns(self) -> int:
        """The window's length."""
        return self.until_ns - self.from_ns

    @property
    def tried(self) -> int:
        """The number of new connections."""
        return sum(self.connects.values())

    def count(self, outcome: ConnectOutcome) -> int:
        """Return the number of new connections with this outcome."""
        return self.connects.get(outcome, 0)

    def ended(self, how: CloseKind) -> bool:
        """Return whether the standing connection ended this way."""
        return any(ending is how for _, ending in self.ends)


@dataclass(frozen=True)
class FarEndRecord:
    """The end of one of the prober's standing connections, as its far end recorded it. `how` is fin, rst, or
    given_up (by a close frame, or by the far end itself); the last message came at `last_message_ns` (0:
    none).
    """

    ended_ns: int
    how: CloseKind
    last_message_ns: int


@dataclass(frozen=True)
class LinkEvidence:
    """One link before, during and after one fault.

    `counters` and `connections_hit` are Toxiproxy's own counts of the fault. `refused_frames` are frames that
    server and client refused on this link during the fault, from their journals; `altered_frames` those
    that only damage explains. `others` are simultaneous faults on this link. `stood` is whether the prober
    had a standing connection at the fault's begin (None: unknown), and `far_end` the end of that connection
    at its far end (None: unknown).
    """

    link: str
    before: LinkWindow
    during: LinkWindow
    after: LinkWindow
    counters: Mapping[str, int] = field(default_factory=dict)
    connections_hit: int = 0
    refused_frames: int = 0
    altered_frames: int = 0
    others: tuple[OtherFault, ...] = ()
    stood: bool | None = None
    far_end: FarEndRecord | None = None

    @property
    def ends(self) -> LinkEnds:
        """What the link's ends are called in sentences about it."""
        return LinkEnds.of(self.link)

    def beside(self, *traces: Symptom) -> tuple[OtherFault, ...]:
        """Return the simultaneous faults that cause one of these symptoms."""
        return tuple(
            other
            for other in self.others
            if other.traces & set(traces)
            and other.from_ns < self.during.until_ns
            and self.during.from_ns < other.until_ns
        )


class ContainerEffect(StrEnum):
    """Effects on a container from outside: of a fault, or of something else."""

    ended = "ended"
    paused = "paused"
    unplugged = "off the network"
    slowed = "under another processor limit"
    squeezed = "under another memory limit"


@dataclass(frozen=True)
class ContainerStatus:
    """A container's status at one instant, as the engine reports it: running, paused, exited, …; `plugged`:
    it is on the network under test; `cpus`: its limit, None without one.
    """

    status: str
    plugged: bool = True
    cpus: float | None = None
    memory_bytes: int | None = None

    @property
    def ended(self) -> bool:
        """Whether it has no running process."""
        return self.status in ("exited", "dead", "removing")


@dataclass(frozen=True)
class ProofGap:
    """A part of a fault's window in which the fault is not proved, and why."""

    from_ns: int
    until_ns: int
    because: str


@dataclass(frozen=True)
class ContainerEvidence:
    """One container during one fault: from the injecting call (`called_ns`, which ended at `from_ns`) to the
    healing call (`until_ns`).

    `states` are the engine's reports in that time (`running`, `paused`, `exited`), `networks` whether it was
    on the network under test, `cpus` and `memory_bytes` its limits. `lines_ns` are the times of its journal
    lines, `starts_ns` of its new starts since the call; `stopped_in_order`: it wrote its last line;
    `noticed`: the other side detected the loss.

    For the server and Toxiproxy, `probed_links` counts links that the prober observed, `silent_links`
    those that were silent or disconnected, `revived_links` those on which something arrived afterwards.
    `has_journal` is false for Toxiproxy and for containers of other systems, which write none: of the latter
    the engine alone reports `starts_ns`. `gaps` are the unproved parts of the window.
    `made_cpus` and `made_memory_bytes` are the limits before any fault.
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
    gaps: tuple[ProofGap, ...] = ()
    made_cpus: float | None = None
    made_memory_bytes: int | None = None

    @property
    def is_seen_by_engine_alone(self) -> bool:
        """Whether it has no journal, and no link is probed that ends at it."""
        return not self.has_journal and not self.probed_links

    @property
    def was_gone(self) -> bool:
        """Whether each of its links was silent or disconnected."""
        return 0 < self.probed_links == self.silent_links

    def came_back(self, after_ns: int) -> bool:
        """Return whether it started again after an instant; where its starts are not recorded, whether its
        links work again.
        """
        if self.has_journal or self.is_seen_by_engine_alone:
            return any(at_ns >= after_ns for at_ns in self.starts_ns)
        return self.was_gone and self.revived_links == self.probed_links


@dataclass(frozen=True)
class Observation:
    """The conclusion of a rule for one target: whether the fault was real, the reason, and its magnitude.

    `asked` and `measured` are values of `quantity`, whose name ends in its unit; None for a fault without a
    magnitude.
    """

    seen: bool
    because: str
    asked: float | None = None
    measured: float | None = None
    quantity: str = ""
