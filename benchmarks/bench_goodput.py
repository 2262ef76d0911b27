"""What the half of a fleet that kept its links gets done while the other half storms back, against before.

Two processes hold half of the workers each. The one half does `noop` tasks, which come open-loop, LOAD_PER_S
of them: more than half of what the coordinator's core can do in so small batches, as the row says. Each
worker of the other half is busy with one long task, so that all that gets done is the first half's. Then the
other half is frozen (SIGSTOP) until the coordinator has given up its connections, and let go: all its workers
find their connections gone at one instant, and storm back while the coordinator is at work.

Compared is what gets done in a second from that instant until the last is back, with the seconds before it,
when the other half is away too: the same workers, the same load, and no storm. The settings are what an
operator sets for a fleet that has work to do meanwhile: fleet, and admission_per_s such that resumed
sessions, let in RESUME_SPEEDUP times as fast, take at most SHARE of the handshakes measured in the same
round: load and handshakes together fit the coordinator's core; leases outlast the freeze. That is fair to the
question, since nothing else differs between the two spans of time. Both halves and the load share one core,
where there would be a machine each: so the half that storms gives way there to the other (nice 19), and what
is measured is what the coordinator can do for both.
"""

from __future__ import annotations

import json
import signal
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import msgspec

from benchmarks.affinity import FIRST, SECOND
from benchmarks.bench_storm import STARTS_PER_S
from benchmarks.pairs import estimate, ratios
from benchmarks.ports import free_port
from benchmarks.processor_time import cpu_s
from benchmarks.row import Row, at_least
from benchmarks.storm import servers
from benchmarks.storm.load import Load, Submitter
from benchmarks.storm.outage import KEY, Fleet, S, handshakes_per_s, order, running
from benchmarks.storm.servers import Server
from coordinator.admission import RESUME_SPEEDUP
from wire.control import TaskSpec
from wire.settings import CoordinatorSettings, WorkerSettings

LOAD_PER_S = 3_000.0
SHARE = 0.4
"""The share of the possible handshakes that the admission gives to resumed sessions."""
SETTLE_S, BEFORE_S = 3.0, 4.0
"""After half of the fleet is given up: until what piled up is done; and the seconds compared with."""
LEASE_MS = 60_000
LONG_MS = 600_000
WITHIN_S = 60.0
LOOK_EVERY_S = 0.05


@dataclass(frozen=True)
class Size:
    """`half`: workers in each half."""

    half: int
    rounds: int
    load_per_s: float


@dataclass(frozen=True)
class Measured:
    """Tasks a second and the part of its core that the coordinator used, and how long the storm took."""

    before_per_s: float
    during_per_s: float
    before_busy: float
    during_busy: float
    storm_s: float


def rows(*, quick: bool) -> list[Row]:
    """One row."""
    size = Size(20, 1, 200.0) if quick else Size(1_000, 4, LOAD_PER_S)
    found = [_round(size) for _ in range(size.rounds)]
    during = [one.during_per_s for one in found]
    before = [one.before_per_s for one in found]
    storm_s = median(one.storm_s for one in found)
    before_busy = median(one.before_busy for one in found)
    during_busy = median(one.during_busy for one in found)
    return [
        Row(
            measure=f"goodput of the half that kept its links, while {size.half:,} others storm back",
            baseline="the same half before", unit="tasks/s", ours=estimate(during), theirs=estimate(before),
            figure=ratios(during, before), must=None if quick else at_least(0.9), aim=at_least(0.98),
            cores=f"coordinator on core {FIRST}, both halves and the load on core {SECOND}",
            rounds=size.rounds,
            remark=f"{size.load_per_s:,.0f} tasks/s offered; the coordinator's core is {before_busy:.0%} "
            f"busy before, {during_busy:.0%} during the storm, which took {storm_s:.2f} s; fleet "
            f"{2 * size.half:,}, resumed sessions may take {SHARE:g} of the handshakes a second",
        )
    ]  # fmt: skip


def _round(size: Size) -> Measured:
    settings = CoordinatorSettings(
        fleet=2 * size.half,
        admission_per_s=SHARE / RESUME_SPEEDUP * handshakes_per_s(size.half),
        lease_ms=LEASE_MS,
    )
    with tempfile.TemporaryDirectory(prefix="goodput-") as name:
        folder = Path(name)
        control_port = free_port()
        server = servers.coordinator(folder, KEY, settings, control_port)
        journal = Journal(folder / "coordinator.jsonl")
        orders = []
        for first, worker in ((1, WorkerSettings(slots=1, prefetch=0)), (1 + size.half, WorkerSettings())):
            own = folder / f"from-{first}"
            own.mkdir()
            orders.append(order(
                "workers", size.half, server, own, bound_s=WITHIN_S, worker=worker, first=first,
                starts_per_s=min(STARTS_PER_S, settings.admission_per_s / 2),
            ))  # fmt: skip
        with running(server, orders[0]) as storming:
            _must_be_up(storming)
            storming.lower_priority()
            submitter = Submitter(control_port)
            long = msgspec.Raw(msgspec.json.encode({"sleep_ms": LONG_MS}))
            submitter.submit([
                TaskSpec(task_id=f"long-{number}", kind="sleep", params=long, timeout_ms=2 * LONG_MS)
                for number in range(size.half)
            ])  # fmt: skip
            journal.wait("assigned", size.half)
            keeping = Fleet(orders[1])
            try:
                _must_be_up(keeping)
                return _storm(size, storming, journal, control_port, server)
            finally:
                keeping.end()


def _storm(size: Size, storming: Fleet, journal: Journal, control_port: int, server: Server) -> Measured:
    with Load(control_port, size.load_per_s, "load"):
        storming.ask("mark")
        storming.signal(signal.SIGSTOP)
        journal.wait("worker_lost", size.half)
        time.sleep(SETTLE_S)
        at_first = _Instant.now(server)
        time.sleep(BEFORE_S)
        let_go = _Instant.now(server)
        had_s = cpu_s(storming.pid)
        storming.signal(signal.SIGCONT)
        report = storming.ask("back")
        at_last = _Instant.now(server)
    if not report.whole:
        got_s = cpu_s(storming.pid) - had_s
        raise RuntimeError(
            f"not all {size.half} were back within {WITHIN_S:g} s, in which they got {got_s:.1f} s of core "
            f"{SECOND} at the lowest priority: does anything else use it?"
        )
    back_ns = report.backs_ns[-1]
    done_ns = journal.times_ns("task_done")
    return Measured(
        _per_s(done_ns, at_first.at_ns, let_go.at_ns), _per_s(done_ns, let_go.at_ns, back_ns),
        let_go.busy_since(at_first), at_last.busy_since(let_go), (back_ns - let_go.at_ns) / S,
    )  # fmt: skip


@dataclass(frozen=True)
class _Instant:
    """An instant, and what the coordinator had used of its core by then."""

    at_ns: int
    cpu_s: float

    @classmethod
    def now(cls, server: Server) -> _Instant:
        return cls(time.monotonic_ns(), cpu_s(server.pid))

    def busy_since(self, earlier: _Instant) -> float:
        return (self.cpu_s - earlier.cpu_s) / ((self.at_ns - earlier.at_ns) / S)


def _must_be_up(fleet: Fleet) -> None:
    if not fleet.ask("up").whole:
        raise RuntimeError("not all workers came up")


def _per_s(times_ns: list[int], from_ns: int, to_ns: int) -> float:
    return sum(from_ns <= at_ns < to_ns for at_ns in times_ns) / ((to_ns - from_ns) / S)


class Journal:
    """The coordinator's journal, while it grows."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def times_ns(self, kind: str) -> list[int]:
        """When events of a kind happened."""
        marked = f'"event":"{kind}"'.encode()
        with self._path.open("rb") as lines:
            return [json.loads(line)["at_ns"] for line in lines if marked in line and line.endswith(b"\n")]

    def wait(self, kind: str, count: int) -> None:
        """Wait until `count` of them happened."""
        end_s = time.monotonic() + WITHIN_S
        while (found := len(self.times_ns(kind))) < count:
            if time.monotonic() > end_s:
                raise RuntimeError(f"{found} of {count} {kind} within {WITHIN_S:g} s")
            time.sleep(LOOK_EVERY_S)
