"""Events of the driver's own journal, `driver.jsonl`. Times are monotonic nanoseconds."""

from __future__ import annotations

import msgspec

from wire.events import Event


class RunStarted(Event, tag="run_started", frozen=True):
    """First line of a run. `clients` are the names of all planned clients.

    `measured_s`: work that is due later is not measured, and the load may end then (None: all of it is).
    """

    run: str
    scenario: str
    seed: int
    clients: list[str] = msgspec.field(name="workers")
    duration_s: float
    measured_s: float | None = None


class LoadEndedEarly(Event, tag="load_ended_early", frozen=True):
    """The load ended `early_s` before its planned end: all that is expected was decided."""

    early_s: float


class PhaseBegun(Event, tag="phase_begun", frozen=True):
    """A phase of the run begins: up, ready, gate, timeline, heal, verify, converge, drain, collect.

    `zero_ns` is the instant from which the scenario's times count, as far as it is known by then (0: it is
    not, or an older driver wrote none).
    """

    phase: str
    zero_ns: int = 0


class PhaseEnded(Event, tag="phase_ended", frozen=True):
    """A phase ended. `outcome` is done, failed (with the reason in `detail`) or stopped (by Ctrl-C)."""

    phase: str
    outcome: str
    detail: str = ""


class ProcessesPlaced(Event, tag="processes_placed", frozen=True):
    """These processes run on a host whose clock is not the driver's; no such line: all share one clock."""

    host: str
    processes: list[str]


class ClockRead(Event, tag="clock_read", frozen=True):
    """CLOCK_MONOTONIC of a host was `host_ns` between `asked_ns` and `at_ns`: a round trip over the control
    network.
    """

    host: str
    asked_ns: int
    host_ns: int


class HostLost(Event, tag="host_lost", frozen=True):
    """A host stopped answering: what its processes did from then on is unknown."""

    host: str
    detail: str


class AnchorReached(msgspec.Struct, frozen=True):
    """Where a fault with an anchor struck: the fields of chaos.anchor.Strike, and the anchor in words."""

    anchor: str
    link: str
    direction: str
    passed_bytes: int
    frame: int
    opened: int
    connection: int
    exact: bool
    at_ns: int
    by_door: bool


class FaultBegun(Event, tag="fault_begun", frozen=True):
    """A fault began. `planned_ns` is when it was due; `spread_ms` is from the first target to the last.

    `changes` is what it can change of its targets (chaos.evidence.Change; None in journals of older labs).
    `cuts`: a client under it must lose its connection (a cut, a reset, a kill, a stall longer than the
    heartbeat timeout); under a latency it need not. `called_ns` is when the driver requested it, `began_ns`
    maps each target to when Toxiproxy or the engine had applied it. `for_s` is its planned length; None: it
    is instantaneous. `mechanism` is what the engine does it by; "" for a fault on links. One with an anchor
    was due when that was `reached`.
    """

    fault: str
    kind: str
    targets: list[str]
    params: msgspec.Raw
    planned_ns: int
    spread_ms: float = 0.0
    cuts: bool = False
    called_ns: int = 0
    began_ns: dict[str, int] = msgspec.field(default_factory=dict)
    changes: list[str] | None = None
    for_s: float | None = None
    mechanism: str = ""
    toxiproxy_offset_ns: int = 0
    reached: AnchorReached | None = None


class FaultEnded(Event, tag="fault_ended", frozen=True):
    """A fault ended; with a `detail`, it could not be ended.

    `called_ns` is when the driver requested it, `ended_ns` maps each target to when Toxiproxy or the engine
    had removed it. By Toxiproxy, at its end: `because` (deleted, lease, heal), the `absent` links from which
    it had been removed before, its `counters` by link, and by link the live connections that it hit.
    """

    fault: str
    kind: str
    targets: list[str]
    planned_ns: int
    spread_ms: float = 0.0
    detail: str = ""
    called_ns: int = 0
    ended_ns: dict[str, int] = msgspec.field(default_factory=dict)
    because: str = ""
    absent: list[str] = msgspec.field(default_factory=list)
    counters: dict[str, dict[str, int]] = msgspec.field(default_factory=dict)
    connections_hit: dict[str, int] = msgspec.field(default_factory=dict)
    toxiproxy_offset_ns: int = 0


class FaultFailed(Event, tag="fault_failed", frozen=True):
    """A fault could not begin."""

    fault: str
    kind: str
    targets: list[str]
    detail: str


class Healed(Event, tag="healed", frozen=True):
    """All was healed, and read again. `left` names what was still wrong (empty: verified)."""

    links: list[str]
    containers: list[str]
    left: list[str]
    took_ms: float


class ResourceSample(Event, tag="sample", frozen=True):
    """Memory of one container at this instant, and its CPU since its start in core seconds."""

    container: str
    memory_bytes: int
    cpu_s: float


class FinalContainerState(Event, tag="container_seen", frozen=True):
    """State of a container at the end of the run. `exit_code` is -1 where it runs."""

    container: str
    status: str
    exit_code: int
    out_of_memory: bool


class JournalNoted(Event, tag="journal_noted", frozen=True):
    """A process's journal at its collection: its last seal (`lines` and `head`, see wire.journal_chain), and
    its size. `goes_on`: its process ran on, so that it has no last line.
    """

    journal: str
    lines: int
    head: str
    size_bytes: int
    goes_on: bool = False


class ContainerChange(Event, tag="container_state", frozen=True):
    """State of one container where it differs from the last one; the first is its initial state.

    It was read between `asked_ns` and `at_ns`. `exit_code` is -1 where it runs; `cpus` is None without a
    limit.
    """

    container: str
    asked_ns: int
    status: str
    exit_code: int
    out_of_memory: bool
    plugged: bool
    cpus: float | None
    memory_bytes: int


class ContainersRead(Event, tag="containers_read", frozen=True):
    """States of all containers were read between `asked_ns` and `at_ns`, and equal their newest events.

    Limits were read of the containers in `closely` alone.
    """

    asked_ns: int
    closely: list[str]


class EngineAction(Event, tag="engine_action", frozen=True):
    """The engine reported a change of a container, by any caller.

    `action` is kill, die, oom, start, pause, unpause, update, connect or disconnect; `detail` the signal,
    the exit code or the network.
    """

    container: str
    action: str
    detail: str


class ContainerExited(Event, tag="container_exited", frozen=True):
    """A container's process ended, by the engine's report, recorded before it is started again.

    `planned`: a fault that can end it was on it. `log` has its last lines where none was.
    """

    container: str
    exit_code: int
    out_of_memory: bool
    planned: bool
    log: list[str]


class MachineSample(Event, tag="machine_sample", frozen=True):
    """Load of the machine that runs the lab, over the last second.

    `runnable` processes had a processor or waited for one, at its end; `steal_ratio` is the share of
    processor time that other machines took. `…_pressure` is the share of time in which some process waited
    for a processor, or all for a disk or for memory (PSI; None where the kernel reports none). `loop_lag_ms`
    is the largest delay of the driver's event loop.
    """

    runnable: int
    cores: int
    steal_ratio: float
    cpu_pressure: float | None
    io_pressure: float | None
    memory_pressure: float | None
    loop_lag_ms: float


class EventsMissed(Event, tag="events_missed", frozen=True):
    """The engine's event stream broke; the driver requests the events since then."""

    detail: str


class ProxyLink(msgspec.Struct, frozen=True):
    """A proxy of Toxiproxy, planned or found. `hurts`: toxics and faults on it."""

    name: str
    listen: str
    upstream: str
    enabled: bool = True
    hurts: list[str] = []


class LinksSeen(Event, tag="links_seen", frozen=True):
    """Toxiproxy's links, planned and found. `moment`: before_heal, or end (after the drain)."""

    moment: str
    planned: list[ProxyLink]
    found: list[ProxyLink]


class ReportNote(Event, tag="note", frozen=True):
    """A note for the report. `level`: info or warning; it changes no verdict."""

    level: str
    text: str


class Receipt(Event, tag="receipt", frozen=True):
    """The proof of one fault, by observers other than its injector. `proved` is false where a part lacks.

    Each target is in `hit` (observed there) or `missed`, each other link in `spared` or `strayed` (observed
    there too). `asked` and `measured` have magnitudes by the same names, units last. `mechanism` is what the
    engine did it by; "" for a fault on links. The instants of its observers are known to ±
    `clock_bound_ms`.
    """

    fault: str
    kind: str
    proved: bool
    because: str
    hit: list[str]
    missed: list[str]
    spared: list[str]
    strayed: list[str]
    observers: list[str]
    began_ns: int = 0
    ended_ns: int = 0
    asked: dict[str, float] = msgspec.field(default_factory=dict)
    measured: dict[str, float] = msgspec.field(default_factory=dict)
    mechanism: str = ""
    clock_bound_ms: float = 0.0


class LabTrouble(Event, tag="trouble", frozen=True):
    """The lab itself failed (Toxiproxy restarted, a heal failed): the run proves nothing."""

    what: str
    detail: str


class Aborted(Event, tag="aborted", frozen=True):
    """The run's own `abort_when` ended it early."""

    because: str


DriverEvent = (
    RunStarted | PhaseBegun | PhaseEnded | LoadEndedEarly
    | FaultBegun | FaultEnded | FaultFailed | Healed | ResourceSample | FinalContainerState | JournalNoted
    | ReportNote | Receipt | LabTrouble | Aborted | ContainerChange | ContainersRead
    | EngineAction | ContainerExited | EventsMissed | LinksSeen | MachineSample | ProcessesPlaced | ClockRead
    | HostLost
)  # fmt: skip
