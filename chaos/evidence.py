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


@dataclass(frozen=True)
class Silence:
    """A time in which a live connection gave nothing back. `healed` is true when it then went on, every byte
    in order.
    """

    from_ns: int
    until_ns: int | None
    healed: bool


@dataclass(frozen=True)
class Window:
    """What the prober saw on one link from one instant to another.

    `rtt_ms` are its round trips; `ends` are (instant, how) of its standing connection; `connects` counts its
    new connections by outcome; `compared_bytes` came back and were compared, `damaged_bytes` of them
    differed; `rates_bytes_per_s` were measured while it asked for all that the link would carry; `statuses`
    are what rejections said (HTTP status, Retry-After in s or -1). `lives` is whether anything came back at
    all.
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
    frames the two ends under test refused on this link while it was on, as their journals say.
    """

    link: str
    before: Window
    during: Window
    after: Window
    counters: Mapping[str, int] = field(default_factory=dict)
    connections_hit: int = 0
    refused_frames: int = 0


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
    `has_journal` is false for Toxiproxy, which writes none.
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
