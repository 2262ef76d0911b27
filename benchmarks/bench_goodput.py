"""What the half of a fleet that kept its links gets done while the other half storms back, against before.

Two processes hold half of the workers each. The one half does `noop` tasks, which come open-loop: at LOAD of
the rate at which the very same coordinator and workers got a pile of them done just before. Each worker of
the other half is busy with one long task, so that all that gets done is the first half's. Then the other
half is frozen (SIGSTOP) until the coordinator has given up its connections, and let go: all its workers find
their connections gone at one instant, and storm back while the coordinator is at work.

Compared is what gets done in a second from that instant until the last is back, with the seconds before it,
when the other half is away too: the same workers, the same load, and no storm. The settings are what an
operator gives who has work to do meanwhile: fleet, and admission_per_s such that those who resume, who are
let in RESUME_SPEEDUP times as fast, take at most SHARE of the handshakes measured in the same round: load and
handshakes together fit the coordinator's core (bench_storm.py allows 0.9, for a coordinator that has nothing
else to do); leases outlast the freeze. That is fair to the question, since nothing else differs between the
two spans of time. Both halves and the load share one core, where there would be a machine each: so the half
that storms gives way there to the other (nice 19), and what is measured is what the coordinator can do for
both.
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

from benchmarks.bench_storm import STARTS_PER_S
from benchmarks.pairs import estimate, ratios
from benchmarks.pinning import FIRST, SECOND
from benchmarks.ports import free_port
from benchmarks.row import Row, at_least
from benchmarks.storm import servers
from benchmarks.storm.load import Load, Submitter
from benchmarks.storm.outage import KEY, Fleet, S, handshakes_per_s, order, running
from coordinator.admission import RESUME_SPEEDUP
from wire.control import Task
from wire.settings import CoordinatorSettings, WorkerSettings

LOAD = 0.25
SHARE = 0.4
"""Of the handshakes that are possible, what the door allows to those who resume."""
BEFORE_S = 4.0
LEASE_MS = 60_000
LONG_MS = 600_000
WITHIN_S = 60.0
LOOK_EVERY_S = 0.05


@dataclass(frozen=True)
class Size:
    """`half`: workers in each half; `pile`: tasks that show what can be done."""

    half: int
    rounds: int
    pile: int


@dataclass(frozen=True)
class Measured:
    """Tasks a second, and how long the storm took."""

    before_per_s: float
    during_per_s: float
    offered_per_s: float
    storm_s: float


def rows(*, quick: bool) -> list[Row]:
    """One row."""
    size = Size(20, 1, 200) if quick else Size(1_000, 4, 10_000)
    found = [_round(size) for _ in range(size.rounds)]
    during = [one.during_per_s for one in found]
    before = [one.before_per_s for one in found]
    offered, storm_s = median(one.offered_per_s for one in found), median(one.storm_s for one in found)
    return [
        Row(
            measure=f"goodput of the half that kept its links, while {size.half:,} others storm back",
            baseline="the same half before", unit="tasks/s", ours=estimate(during), theirs=estimate(before),
            figure=ratios(during, before), must=None if quick else at_least(0.9), aim=at_least(0.98),
            cores=f"coordinator on core {FIRST}, both halves and the load on core {SECOND}",
            rounds=size.rounds,
            remark=f"{offered:,.0f} tasks/s offered, {LOAD:.0%} of what a pile showed; the storm took "
            f"{storm_s:.2f} s; fleet {2 * size.half:,}, those who resume may take "
            f"{SHARE:g} of the handshakes a second",
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
            storming.give_way()
            submitter = Submitter(control_port)
            long = msgspec.Raw(msgspec.json.encode({"sleep_ms": LONG_MS}))
            submitter.submit([
                Task(task_id=f"long-{number}", kind="sleep", params=long, timeout_ms=2 * LONG_MS)
                for number in range(size.half)
            ])  # fmt: skip
            journal.wait("assigned", size.half)
            keeping = Fleet(orders[1])
            try:
                _must_be_up(keeping)
                pile_per_s = _pile(size, submitter, journal)
                return _storm(size, storming, journal, control_port, LOAD * pile_per_s)
            finally:
                keeping.end()


def _pile(size: Size, submitter: Submitter, journal: Journal) -> float:
    """Tasks a second of a pile: what can be done."""
    submitter.submit([Task(task_id=f"pile-{number}", kind="noop") for number in range(size.pile)])
    journal.wait("task_done", size.pile)
    done_ns = journal.times_ns("task_done")
    return (size.pile - 1) / ((done_ns[-1] - done_ns[0]) / S)


def _storm(size: Size, storming: Fleet, journal: Journal, control_port: int, rate_per_s: float) -> Measured:
    with Load(control_port, rate_per_s, "load"):
        storming.ask("mark")
        storming.signal(signal.SIGSTOP)
        journal.wait("worker_lost", size.half)
        time.sleep(BEFORE_S)
        from_ns = time.monotonic_ns()
        storming.signal(signal.SIGCONT)
        told = storming.ask("back")
    if not told.whole:
        raise RuntimeError(f"not all {size.half} were back within {WITHIN_S:g} s")
    back_ns = told.backs_ns[-1]
    done_ns = journal.times_ns("task_done")
    return Measured(
        _per_s(done_ns, from_ns - int(BEFORE_S * S), from_ns), _per_s(done_ns, from_ns, back_ns), rate_per_s,
        (back_ns - from_ns) / S,
    )  # fmt: skip


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
