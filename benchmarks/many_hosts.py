"""What a driver has to do for many hosts: measured here piece by piece, and added up for a fleet.

    python -m benchmarks.many_hosts [HOSTS] [WORKERS]

Measured: reading the clocks of that many hosts at the real pace, through sockets whose far ends answer from
another process; decoding what each host's engine answers about its containers; writing, reading, merging and
judging journals. Added up: the cores, bytes and seconds of a driver of HOSTS hosts and WORKERS workers, now
and as docs/many-hosts.md would have it. Containers and networks are not simulated: this is the driver's load
alone.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import resource
import selectors
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from driver.background import background
from driver.engines import docker_answers
from driver.histories.clock_alignment import aligned
from driver.histories.clocks import Clocks
from driver.histories.driver_journal import DriverJournal
from driver.histories.events import ClockRead
from driver.histories.host_clock import ClockReading, HostClock
from driver.histories.journals import JOURNALS, read_history
from driver.labs.clock_monitor import ClockMonitor
from driver.results.judged_run import judge_run
from tests.driver.judge.big_history import write_big

HOSTS, WORKERS = 100, 10_000
CLOCKS_FOR_S = 10.0
SAMPLE_WORKERS, SAMPLE_S, TASKS_PER_WORKER_S = 100, 120.0, 0.14
SAMPLES_PER_S = 2
"""How often the driver reads the state of all containers."""
RUN_S = 120.0


def answer(ends: Sequence[socket.socket]) -> None:
    """Be all hosts: answer each line with this process's clock, until all sockets are closed."""
    ready = selectors.DefaultSelector()
    by_number = {end.fileno(): end for end in ends}
    for end in ends:
        ready.register(end, selectors.EVENT_READ)
    while ready.get_map():
        for key, _ in ready.select():
            end = by_number[key.fd]
            if end.recv(64):
                end.sendall(b"%d\n" % time.monotonic_ns())
            else:
                ready.unregister(end)


class SocketHosts:
    """Implements `ManyHosts` on sockets."""

    def __init__(self, sockets: Mapping[str, socket.socket]) -> None:
        self._sockets = sockets

    def placed(self) -> Mapping[str, Sequence[str]]:
        return {name: [f"worker-{number}"] for number, name in enumerate(self._sockets, 1)}

    def read_clock(self, host: str) -> ClockReading:
        trips = [self._trip(self._sockets[host]) for _ in range(3)]
        return min(trips, key=lambda one: one.answered_ns - one.asked_ns)

    def unreachable(self) -> list[str]:
        return []

    def offset_ns(self, process: str) -> int:
        return 0

    @staticmethod
    def _trip(end: socket.socket) -> ClockReading:
        asked_ns = time.monotonic_ns()
        end.sendall(b"\n")
        text = end.recv(64)
        return ClockReading(asked_ns, int(text), time.monotonic_ns())


@dataclass(frozen=True)
class ClockCost:
    """Reading all clocks: cores, bytes of journal a second, the loop's largest delay, and the bound, median
    and worst.
    """

    cores: float
    bytes_per_s: float
    lag_ms: float
    bound_us: float
    worst_bound_us: float


def own_cpu_s() -> float:
    """Processor time of this process so far."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


async def clocks(hosts: int, folder: Path) -> ClockCost:
    """Read the clocks of that many hosts as a run does."""
    pairs = [socket.socketpair() for _ in range(hosts)]
    child = multiprocessing.get_context("fork").Process(target=_be_hosts, args=(pairs,))
    child.start()
    for _, far in pairs:
        far.close()
    journal = DriverJournal(folder / JOURNALS)
    engine = SocketHosts({f"host-{number}": near for number, (near, _) in enumerate(pairs, 1)})
    began_s, cpu_s, lag_s = time.monotonic(), own_cpu_s(), 0.0
    async with background(ClockMonitor(engine, journal).run()):
        while time.monotonic() - began_s < CLOCKS_FOR_S:
            slept_s = time.monotonic()
            await asyncio.sleep(0.02)
            lag_s = max(lag_s, time.monotonic() - slept_s - 0.02)
    cores = (own_cpu_s() - cpu_s) / CLOCKS_FOR_S
    for near, _ in pairs:
        near.close()
    child.join()
    journal.close()
    size = (folder / JOURNALS / "driver.jsonl").stat().st_size
    history = read_history(folder)
    bounds = sorted((read.at_ns - read.asked_ns) / 2e3 for read in history.of(ClockRead))
    return ClockCost(
        cores, size / CLOCKS_FOR_S, lag_s * 1e3, bounds[len(bounds) // 2], bounds[len(bounds) * 99 // 100]
    )


def _be_hosts(pairs: Sequence[tuple[socket.socket, socket.socket]]) -> None:
    for near, _ in pairs:
        near.close()
    answer([far for _, far in pairs])


def seconds_of(work: Callable[[], object]) -> float:
    """Processor seconds of some work."""
    began_s = time.process_time()
    work()
    return time.process_time() - began_s


def listing_cpu_s(containers: int) -> float:
    """Processor seconds that one answer of an engine about so many containers takes to decode."""
    summary = {
        "Id": "f" * 64, "Names": ["/lab-worker-1"], "Image": "sha256:" + "a" * 64, "State": "running",
        "Status": "Up 2 minutes", "Labels": {f"com.docker.compose.label-{n}": "x" * 20 for n in range(12)}
        | {"com.docker.compose.service": "worker", "com.docker.compose.container-number": "1"},
        "NetworkSettings": {"Networks": {"lab_links": {"EndpointID": "e" * 64, "Aliases": ["worker"]}}},
        "Mounts": [{"Type": "volume", "Source": "s" * 80, "Destination": "/journal"}] * 2,
    }  # fmt: skip
    answers = [json.dumps([summary] * containers)] * 20
    return seconds_of(
        lambda: [[docker_answers.container(one) for one in json.loads(text)] for text in answers]
    ) / len(answers)


def rows(hosts: int, workers: int, folder: Path) -> list[tuple[str, str, str]]:
    """What is measured, and what it makes of a fleet: (what, measured, for the fleet)."""
    found = asyncio.run(clocks(hosts, folder / "clocks"))
    tasks = SAMPLE_WORKERS * TASKS_PER_WORKER_S
    events = write_big(folder / "run", SAMPLE_WORKERS, SAMPLE_S, tasks)
    size = sum(path.stat().st_size for path in (folder / "run" / JOURNALS).glob("*.jsonl"))
    history = read_history(folder / "run")
    clock = HostClock([ClockReading(n * 10**9, n * 10**9 + 500, n * 10**9 + 9) for n in range(900, 1200)])
    on_hosts = Clocks({name: "one" for name in history.journals if name != "driver"}, {"one": clock})
    merge_s = seconds_of(lambda: aligned(history.journals, on_hosts)) / events
    judge_s = seconds_of(lambda: judge_run(folder / "run")) / events
    listing_s = listing_cpu_s(workers // hosts)
    per_worker = events / SAMPLE_WORKERS / SAMPLE_S
    fleet_events = per_worker * workers * RUN_S
    skews = 2 + 2 * (hosts - 1).bit_length()
    one_pass_s = fleet_events * (judge_s + merge_s)
    return [
        ("reading the clocks", f"{found.cores / hosts * 1e3:.2f} ms of a core a host and second",
         f"{found.cores:.2f} cores, {found.bytes_per_s / 1e3:.0f} kB/s of journal, loop late by "
         f"{found.lag_ms:.0f} ms at most; bound of a reading {found.bound_us:.0f} µs, "
         f"{found.worst_bound_us:.0f} µs at p99"),
        ("listing containers", f"{listing_s * 1e3:.2f} ms an answer about {workers // hosts}",
         f"{listing_s * hosts * SAMPLES_PER_S:.2f} cores at {SAMPLES_PER_S} a second"),
        ("journals", f"{per_worker:.2f} lines, {size / SAMPLE_WORKERS / SAMPLE_S:.0f} B a worker and second",
         f"{size / SAMPLE_WORKERS / SAMPLE_S * workers / 1e6:.1f} MB/s while the run lasts, "
         f"{fleet_events / 1e6:.1f} million lines of a run of {RUN_S:.0f} s"),
        ("merging", f"{merge_s * 1e6:.1f} µs an event", f"{fleet_events * merge_s:.0f} s of one core, once"),
        ("judging", f"{judge_s * 1e6:.1f} µs an event",
         f"{one_pass_s:.0f} s of one core a pass; {1 + skews} passes ({skews} skews): "
         f"{one_pass_s * (1 + skews) / 60:.0f} min, in parts on {hosts} hosts "
         f"{one_pass_s * 3 / hosts:.0f} s"),
    ]  # fmt: skip


def main() -> None:
    """Print the table."""
    given = [int(word) for word in sys.argv[1:3]]
    hosts, workers = [*given, *(HOSTS, WORKERS)[len(given) :]]
    with tempfile.TemporaryDirectory() as name:
        print(f"{hosts} hosts, {workers} workers; {os.cpu_count()} cores here\n")
        print("| the driver's load | measured | for the fleet |\n|---|---|---|")
        for row in rows(hosts, workers, Path(name)):
            print("| " + " | ".join(row) + " |")


if __name__ == "__main__":
    main()
