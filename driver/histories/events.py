"""What the driver writes into its own journal, `driver.jsonl`, beside those of the containers."""

from __future__ import annotations

import msgspec

from wire.events import Event


class RunStarted(Event, tag="run_started", frozen=True):
    """First line of a run. `workers` are the names of all workers that should be there."""

    run: str
    scenario: str
    seed: int
    workers: list[str]
    duration_s: float


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


class TasksAccepted(Event, tag="tasks_accepted", frozen=True):
    """The coordinator answered that it holds these tasks: each of them must now come to one end, exactly.

    `known` of them it had already (an answer had been lost). `intended_ns` has the same order as `tasks`, and
    so has `noticed_ns`, when the driver had late ones ready to be sent (0: in time; empty: all were in time).
    """

    tasks: list[str]
    intended_ns: list[int]
    known: int
    took_ms: float
    noticed_ns: list[int] = msgspec.field(default_factory=list)


class TasksRefused(Event, tag="tasks_refused", frozen=True):
    """The coordinator did not take these tasks, for reasons in the same order; they are not sent again."""

    tasks: list[str]
    because: list[str]


class SubmitFailed(Event, tag="submit_failed", frozen=True):
    """A batch got no answer; its tasks may be durable or not, and are sent again under the same ids."""

    tasks: int
    attempt: int
    detail: str


class SubmitGivenUp(Event, tag="submit_given_up", frozen=True):
    """These tasks were never answered for: whether the coordinator holds them is unknown."""

    tasks: list[str]


class FaultBegun(Event, tag="fault_begun", frozen=True):
    """A fault was started. `planned_ns` is when it was due; `spread_ms` lies between first and last target.

    `changes` is what of its targets it can change (chaos.evidence.Change; None: an older lab wrote none).
    `cuts`: a worker under this fault must lose its connection (a cut, a reset, a kill, a stall that is longer
    than the heartbeat's timeout), where a latency need not. `called_ns` is when the driver asked for it,
    `began_ns` target → when Toxiproxy or the engine had done it. `for_s` is how long it is to last; None: it
    is over in an instant.
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


class FaultEnded(Event, tag="fault_ended", frozen=True):
    """A fault was ended (or, with a `detail`, could not be).

    `called_ns` is when the driver asked for it, `ended_ns` target → when Toxiproxy or the engine had done it.
    Toxiproxy's own view at its end: `because` (deleted, lease, heal), `absent` links from which somebody else
    had taken it before, and by link its `counters` and how many live connections it met.
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


class FaultFailed(Event, tag="fault_failed", frozen=True):
    """A fault could not be started."""

    fault: str
    kind: str
    targets: list[str]
    detail: str


class Healed(Event, tag="healed", frozen=True):
    """Everything was healed, and looked at again. `left` names what was still wrong (empty: verified)."""

    links: list[str]
    containers: list[str]
    left: list[str]
    took_ms: float


class Sample(Event, tag="sample", frozen=True):
    """What one container uses at this instant. CPU is the total since its start, in seconds of one core."""

    container: str
    memory_bytes: int
    cpu_s: float


class ContainerSeen(Event, tag="container_seen", frozen=True):
    """How a container stood when the run was over. `exit_code` is -1 while it runs."""

    container: str
    status: str
    exit_code: int
    out_of_memory: bool


class JournalNoted(Event, tag="journal_noted", frozen=True):
    """A process's journal as it was collected: its last seal (`lines` and `head`, see wire.journal_chain),
    and its size.
    """

    journal: str
    lines: int
    head: str
    size_bytes: int


class ContainerState(Event, tag="container_state", frozen=True):
    """State of one container where it differs from the one before it (the first one: as it was made).

    It was read between `asked_ns` and `at_ns`. `exit_code` is -1 while it runs; `cpus` None where nothing
    bounds them.
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
    """States of all containers were read between `asked_ns` and `at_ns`: they are as their newest lines say.

    Limits were read of the containers in `closely` alone.
    """

    asked_ns: int
    closely: list[str]


class EngineAction(Event, tag="engine_action", frozen=True):
    """The engine reported a change of a container, whoever asked for it.

    `action` is kill, die, oom, start, pause, unpause, update, connect or disconnect; `detail` the signal,
    the exit code or the network.
    """

    container: str
    action: str
    detail: str


class ContainerExited(Event, tag="container_exited", frozen=True):
    """A container's process ended, as the engine reported it, noted before anything starts it again.

    `planned`: a fault that can end it was on it. `log` holds its last lines where none was.
    """

    container: str
    exit_code: int
    out_of_memory: bool
    planned: bool
    log: list[str]


class MachineSample(Event, tag="machine_sample", frozen=True):
    """The machine that the lab runs on, in the second before.

    `runnable` processes had a processor or waited for one, at its end; `steal_ratio` is the share of
    processor time that other machines took. `…_pressure` is the share of time in which some process waited
    for a processor, or all for a disk or for memory (PSI; None where the kernel does not count it).
    `loop_lag_ms` is the most by which the driver's own loop woke up late.
    """

    runnable: int
    cores: int
    steal_ratio: float
    cpu_pressure: float | None
    io_pressure: float | None
    memory_pressure: float | None
    loop_lag_ms: float


class EventsMissed(Event, tag="events_missed", frozen=True):
    """The engine's stream of events broke off; it is asked for what came since."""

    detail: str


class LinkFound(msgspec.Struct, frozen=True):
    """A link of Toxiproxy as the plan has it, or as it was found. `hurts`: toxics and faults on it."""

    name: str
    listen: str
    upstream: str
    enabled: bool = True
    hurts: list[str] = []


class LinksSeen(Event, tag="links_seen", frozen=True):
    """All links of Toxiproxy beside those of the plan. `moment`: before_heal, or end (after the drain)."""

    moment: str
    planned: list[LinkFound]
    found: list[LinkFound]


class LastState(Event, tag="last_state", frozen=True):
    """The coordinator's own answer to GET /state after the drain (wire.control.State as JSON)."""

    state: msgspec.Raw


class Note(Event, tag="note", frozen=True):
    """Something a reader of the report should know. `level`: info or warning; no verdict by itself."""

    level: str
    text: str


class Receipt(Event, tag="receipt", frozen=True):
    """The proof of one fault, by others than its injector. `proved` is false when a part of it is missing.

    Targets stand in `hit` (seen there) or `missed`, all other links in `spared` or `strayed` (seen there
    too). `asked` and `measured` hold magnitudes under the same names, units last. `observers`: who saw it.
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


class Trouble(Event, tag="trouble", frozen=True):
    """The lab itself was disturbed (Toxiproxy restarted, a healing step failed): the run proves nothing."""

    what: str
    detail: str


class Aborted(Event, tag="aborted", frozen=True):
    """The run was ended early by its own `abort_when`."""

    because: str


DriverEvent = (
    RunStarted | PhaseBegun | PhaseEnded | TasksAccepted | TasksRefused | SubmitFailed | SubmitGivenUp
    | FaultBegun | FaultEnded | FaultFailed | Healed | Sample | ContainerSeen | JournalNoted | LastState
    | Note | Receipt | Trouble | Aborted | ContainerState | ContainersRead | EngineAction | ContainerExited
    | EventsMissed | LinksSeen | MachineSample
)  # fmt: skip
