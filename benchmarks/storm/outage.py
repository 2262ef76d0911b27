"""One outage: a fleet is connected, its server is killed, and is started again after some seconds."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from benchmarks.affinity import SECOND, starting_on
from benchmarks.storm import servers
from benchmarks.storm.fleet import FleetReport, Order
from benchmarks.storm.servers import ROOT, Server
from wire.settings import CoordinatorSettings, WorkerSettings

KEY = "5a" * 32
RATE_WITHIN_S = 120.0
UNBOUND_PER_S = 1_000_000.0
S = 1_000_000_000
LOWEST_PRIORITY = 19
DEFAULTS = WorkerSettings()


class Fleet:
    """A fleet's process on core SECOND, asked in lines. Each answer comes within the order's bound; a fleet
    that breaks writes its error on standard error.
    """

    def __init__(self, order: Order) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.storm.fleet", msgspec.json.encode(order).decode()], cwd=ROOT,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, preexec_fn=starting_on(SECOND),
        )  # fmt: skip

    def ask(self, word: str) -> FleetReport:
        """Send a command, and return its answer."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{word}\n".encode())
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the fleet ended at the command {word!r}")
        return msgspec.json.decode(line, type=FleetReport)

    def lower_priority(self) -> None:
        """Run at the lowest priority of its core."""
        os.setpriority(os.PRIO_PROCESS, self._process.pid, LOWEST_PRIORITY)

    @property
    def pid(self) -> int:
        """Its process."""
        return self._process.pid

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self._process.send_signal(number)

    def end(self) -> None:
        """Kill it."""
        self._process.kill()
        self._process.communicate()


@dataclass(frozen=True)
class Outcome:
    """The result of an outage: seconds from the server's listening until the last was back (`is_whole`: all
    were, else the bound), and attempts a session since then: those that failed, and the one that did not.
    """

    back_s: float
    is_whole: bool
    attempts: float


def handshakes_per_s(count: int) -> float:
    """The rate of back-to-back handshakes with a coordinator that admits all."""
    with tempfile.TemporaryDirectory(prefix="storm-") as name:
        folder = Path(name)
        settings = CoordinatorSettings(
            fleet=count, admission_per_s=UNBOUND_PER_S, admission_burst=count, grace_ms=0
        )
        server = servers.coordinator(folder, KEY, settings)
        with running(server, order("handshakes", count, server, folder, bound_s=RATE_WITHIN_S)) as fleet:
            return fleet.ask("rate").rate_per_s


def outage(fleet_order: Order, server: Server, for_s: float) -> Outcome:
    """Kill the server of a connected fleet, start it again `for_s` later, and wait for the last session."""
    with running(server, fleet_order) as fleet:
        if not fleet.ask("up").whole:
            raise RuntimeError(f"not all {fleet_order.count} came up")
        fleet.ask("mark")
        server.kill()
        time.sleep(for_s)
        listens_ns = server.start()
        return outcome(listens_ns, fleet_order, fleet.ask("back"))


def outcome(listens_ns: int, fleet_order: Order, report: FleetReport) -> Outcome:
    """Return a fleet's report in seconds and attempts."""
    failed = sum(at_ns >= listens_ns for at_ns in report.fails_ns)
    back_s = (report.backs_ns[-1] - listens_ns) / S if report.whole else fleet_order.bound_s
    return Outcome(back_s, report.whole, (len(report.backs_ns) + failed) / fleet_order.count)


def order(
    kind: str, count: int, server: Server, folder: Path, *, bound_s: float, starts_per_s: float = 0.0,
    worker: WorkerSettings = DEFAULTS, first: int = 1,
) -> Order:  # fmt: skip
    """The order for a fleet of `server`."""
    return Order(
        kind=kind, count=count, port=server.port, folder=str(folder), key=KEY, starts_per_s=starts_per_s,
        bound_s=bound_s, worker=worker, first=first,
    )  # fmt: skip


@contextmanager
def running(server: Server, fleet_order: Order) -> Iterator[Fleet]:
    """Server and fleet, until the end."""
    server.start()
    try:
        fleet = Fleet(fleet_order)
        try:
            yield fleet
        finally:
            fleet.end()
    finally:
        server.kill()
