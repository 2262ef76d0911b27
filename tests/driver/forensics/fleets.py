"""Fleets of workers with the cores that ship, cut off at known times on a clock of their own: their journals.

Real are the workers' session, their policies and the coordinator's admission; made up are the outages'
lengths, what an attempt costs, and how late a busy process gets round to a timer.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import msgspec

from coordinator.admission import Admission
from coordinator.timing import fleet_timing
from driver.histories import events as driver
from driver.histories.history import History, JournalRead
from driver.histories.journals import client_order
from driver.results.run_folder import RunRecord, save_start
from wire import events as wire
from wire.errors import RefusalReason
from wire.events import Event, Journal
from wire.handshake import Backoff, Refusal, Welcome
from wire.settings import CoordinatorSettings, WorkerSettings
from worker.core import WorkerCore
from worker.dependencies import Dependencies
from worker.session import ConnectFailure, SessionState

MS, NS = 1_000_000, 1_000_000_000
ROUND_S = 90.0
MOST_STEPS = 2_000_000


@dataclass
class Fleet:
    """How a fleet is to be. `policies` are given to the workers in turn."""

    policies: Sequence[str]
    workers: int = 20
    rounds: int = 3
    outage_s: tuple[float, float] = (8.0, 20.0)
    seed: int = 1
    settings: CoordinatorSettings = field(default_factory=CoordinatorSettings)
    base_ms: int | None = None
    cap_ms: int | None = None

    def history(self) -> History:
        """What the fleet lived through."""
        return _Life(self).lived()


def write(history: History, folder: Path) -> Path:
    """A history as a run's folder."""
    record = RunRecord(
        run=folder.name,
        scenario="herd",
        seed=1,
        clients=list(history.clients),
        processes=list(history.expected),
        duration_s=60.0,
    )
    save_start(folder, record, "name: herd\n")
    (folder / "journals").mkdir(exist_ok=True)
    for name, journal in history.journals.items():
        lines = b"".join(msgspec.json.encode(event) + b"\n" for event in journal.events)
        (folder / "journals" / f"{name}.jsonl").write_bytes(lines)
    return folder


class _Worker:
    """One core, and the times of its attempt that is under way."""

    def __init__(self, name: str, policy: str, life: _Life) -> None:
        self.name = name
        self.life = life
        random = Random(f"{life.fleet.seed} {name}")
        settings = WorkerSettings(policy=policy, base_ms=life.fleet.base_ms, cap_ms=life.fleet.cap_ms)
        ports = Dependencies(
            FleetJournal(name, life), random, lambda: random.randbytes(16), lambda: 0.0, lambda task: None
        )
        self.core = WorkerCore(name, "life", settings, ports)
        self.session = ""
        life.emit(
            name, wire.ProcessStarted, role="worker", incarnation=name,
            settings=msgspec.Raw(msgspec.json.encode(settings)),
        )  # fmt: skip


class FleetJournal(Journal):
    """Keeps the events of one worker among those of its life."""

    def __init__(self, name: str, life: _Life) -> None:
        super().__init__(name, lambda line: None, lambda: life.now_ns, lambda: 0.0)
        self._life = life

    def append(self, event: Event) -> None:
        self._life.lines.setdefault(self.by, []).append(event)


class _Life:
    """A queue of what happens next, over one clock."""

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = fleet
        self.random = Random(fleet.seed)
        self.now_ns = NS
        self.lines: dict[str, list[Event]] = {}
        self.due: list[tuple[int, int, str, int]] = []
        self._count = 0
        settings = msgspec.structs.replace(fleet.settings, fleet=fleet.workers)
        self.admission = Admission(settings.admission_per_s, settings.admission_burst)
        self.pace = fleet_timing(settings, fleet.workers)
        self.emit(
            "coordinator", wire.ProcessStarted, role="coordinator", incarnation="one", epoch=1,
            settings=msgspec.Raw(msgspec.json.encode(settings)),
        )  # fmt: skip
        names = [f"worker-{number}" for number in range(1, fleet.workers + 1)]
        self.workers = [
            _Worker(name, fleet.policies[index % len(fleet.policies)], self)
            for index, name in enumerate(names)
        ]
        self.shut = False

    def emit(self, by: str, kind: type[Event], /, **fields: object) -> None:
        self.lines.setdefault(by, []).append(kind(at_ns=self.now_ns, wall_s=0.0, by=by, **fields))

    def lived(self) -> History:
        for index in range(len(self.workers)):
            self.at(self.random.uniform(0, 0.5), "start", index)
        for number in range(self.fleet.rounds):
            begin_s = 20.0 + number * ROUND_S
            self.at(begin_s, "cut", number)
            self.at(begin_s + self.random.uniform(*self.fleet.outage_s), "heal", number)
        end_ns = int((20.0 + self.fleet.rounds * ROUND_S) * NS)
        for _ in range(MOST_STEPS):
            at_ns, _, what, index = heapq.heappop(self.due)
            if at_ns > end_ns:
                break
            self.now_ns = at_ns
            getattr(self, f"on_{what}")(index)
            if not self.due:
                break
        journals = {name: JournalRead.of(name, lines) for name, lines in self.lines.items()}
        workers = sorted((worker.name for worker in self.workers), key=client_order)
        return History(journals, ["driver", "coordinator", *workers], workers)

    def at(self, later_s: float, what: str, index: int) -> None:
        self._count += 1
        heapq.heappush(self.due, (self.now_ns + int(later_s * NS), self._count, what, index))

    # -- what happens ----------------------------------

    def on_start(self, index: int) -> None:
        self.workers[index].core.on_start(self.now_ns)
        self.at(self.random.uniform(0.002, 0.02), "answer", index)

    def on_cut(self, number: int) -> None:
        self.shut = True
        self.fault(driver.FaultBegun, number, cuts=True, params=msgspec.Raw(b"{}"))
        for index in range(len(self.workers)):
            self.at(self.random.uniform(0, 0.01), "lose", index)

    def on_heal(self, number: int) -> None:
        self.shut = False
        self.fault(driver.FaultEnded, number)

    def on_lose(self, index: int) -> None:
        worker = self.workers[index]
        if worker.core.state is SessionState.connected:
            lost = {"session": worker.session, "kind": "closed", "detail": "", "silent_ms": 10.0}
            self.emit("coordinator", wire.WorkerLost, worker=worker.name, **lost)
            worker.core.on_closed(self.now_ns, worker.core.connection, "closed", "")
            self.wait(index)

    def on_due(self, index: int) -> None:
        worker = self.workers[index]
        worker.core.on_tick(self.now_ns)
        if worker.core.state is SessionState.connecting:
            cost_s = self.random.expovariate(1 / 0.003) if self.shut else self.random.uniform(0.004, 0.03)
            self.at(cost_s, "answer", index)

    def on_answer(self, index: int) -> None:
        worker = self.workers[index]
        if self.shut:
            self.refused(index, ConnectFailure("refused", "connection refused", 0, None))
            return
        wait_ns = self.admission.wait_ns(worker.name, self.now_ns, resuming=bool(worker.session))
        if wait_ns:
            refusal = Refusal(RefusalReason.full.label, "too many", -(-wait_ns // MS))
            self.refused(index, ConnectFailure("status", "HTTP 503", 503, refusal))
            return
        outcome = "resumed" if worker.session else "fresh"
        worker.session = worker.session or f"{worker.name}-session"
        self.emit(
            "coordinator", wire.WorkerJoined, worker=worker.name, session=worker.session, epoch=1,
            outcome=outcome, because="",
        )  # fmt: skip
        backoff = Backoff(self.pace.base_ms, self.pace.cap_ms)
        welcome = Welcome(
            outcome, "", worker.session, 1, bytes(16), 0, False, 512, 2_000, 4_000, backoff, True
        )
        worker.core.on_connected(self.now_ns, worker.core.connection, welcome)

    def refused(self, index: int, failure: ConnectFailure) -> None:
        core = self.workers[index].core
        core.on_connect_failed(self.now_ns, core.connection, failure)
        self.wait(index)

    def wait(self, index: int) -> None:
        due_ns = self.workers[index].core.next_deadline_ns()
        assert due_ns is not None
        # As measured on a loaded machine with two cores: most timers within 2 ms, one in ten within 20 ms,
        # and a worker without a delay continues at once.
        mean_s = 5e-5 if due_ns <= self.now_ns else 0.015 if self.random.random() < 0.1 else 0.001
        self.at(max(0, due_ns - self.now_ns) / NS + self.random.expovariate(1 / mean_s), "due", index)

    def fault(self, kind: type[Event], number: int, **more: object) -> None:
        names = [worker.name for worker in self.workers]
        self.emit(
            "driver", kind, fault=f"cut-{number + 1}", kind="refuse", targets=names, planned_ns=self.now_ns,
            **more,
        )  # fmt: skip
