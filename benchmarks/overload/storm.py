"""One run of the model: a fleet that is connected, an outage, and whether the fleet is ever back."""

from __future__ import annotations

import random
from dataclasses import dataclass

from benchmarks.handshake_costs import Costs
from benchmarks.overload.busy_core import BusyCore, Prices
from benchmarks.overload.client import Link, Worker
from coordinator.core import CoordinatorCore
from coordinator.rows import Recovered
from coordinator.server import BACKLOG
from coordinator.timing import fleet_timing
from tests.simulation.clock import Clock
from wire.events import Event, Journal
from wire.settings import CoordinatorSettings, WorkerSettings

KEY = bytes(range(32))
START_GAPS, START_MAX_S, CALM_S = 1.25, 600.0, 25.0
_S = 1_000_000_000


@dataclass(frozen=True)
class Scene:
    """A fleet and its coordinator, `scale` times smaller than `fleet`, all ratios kept: workers, backlog and
    the core's speed. Back to back, the core needs `all_s` for a handshake with everyone.
    """

    fleet: int
    scale: int
    all_s: float
    admission_share: float
    outage_s: float
    patience_s: float

    @property
    def workers(self) -> int:
        """How many there are in the model."""
        return self.fleet // self.scale

    def prices(self, costs: Costs) -> Prices:
        """What each deed takes on the model's core."""
        stretch = self.all_s / self.workers * 1e9 / costs.resumed_us
        accepted = costs.accepted_us
        return Prices(
            int(accepted * stretch),
            int((costs.abandoned_us - accepted) * stretch),
            int((costs.refused_us - accepted) * stretch),
            int((costs.resumed_us - accepted) * stretch),
            int(costs.heartbeat_us * stretch),
        )

    def core_share(self, costs: Costs) -> float:
        """The part of a whole core, as `costs` were measured on it, that the coordinator has."""
        return self.fleet * costs.resumed_us / 1e6 / self.all_s

    def settings(self) -> CoordinatorSettings:
        """As an operator sets them for the whole fleet: admission at a share of what the core can do.
        Heartbeats at the interval that the whole fleet would be given.
        """
        tempo = fleet_timing(CoordinatorSettings(), self.fleet)
        return CoordinatorSettings(
            fleet=self.workers, admission_per_s=self.admission_share * self.workers / self.all_s,
            admission_burst=max(1, CoordinatorSettings().admission_burst // self.scale),
            heartbeat_interval_ms=tempo.interval_ms, heartbeat_timeout_ms=tempo.timeout_ms,
            lease_ms=tempo.lease_ms,
        )  # fmt: skip


@dataclass(frozen=True)
class Outcome:
    """What became of a fleet after the outage was over: when all were back, None if they never were; how many
    were at the end; attempts a worker; hellos that were answered to a worker, those that came to nothing, and
    SYNs dropped.
    """

    back_s: float | None
    connected: int
    attempts: float
    served: int
    stale: int
    dropped: int


class Storm:
    """One fleet, one outage."""

    def __init__(self, scene: Scene, costs: Costs, policy: str, seed: int) -> None:
        self._scene = scene
        self._clock = Clock()
        chance = random.Random(f"{policy} {seed}")
        settings = scene.settings()
        journal = _Silent("coordinator", lambda line: None, lambda: self._clock.now_ns, self._clock.wall_s)
        recovered = Recovered(epoch=1, secret=KEY)
        core = CoordinatorCore(settings, KEY, recovered, journal, chance.randbytes, self._clock.now_ns)
        self._coordinator = BusyCore(self._clock, core, scene.prices(costs), BACKLOG // scene.scale)
        self._link = Link(self._clock, chance)
        self._connected: set[Worker] = set()
        self._workers = [
            Worker(
                f"worker-{number}",
                WorkerSettings(policy=policy),
                KEY,
                self._link,
                self._coordinator,
                self._moved,
            )
            for number in range(1, scene.workers + 1)
        ]
        for place, worker in enumerate(self._workers):
            self._clock.after(int(START_GAPS * place / settings.admission_per_s * _S), worker.start)

    def run(self) -> Outcome:
        """All clients connect, one after the other; then the outage; then the storm."""
        clock, scene, coordinator = self._clock, self._scene, self._coordinator
        started = self._until(START_MAX_S)
        if started is None:
            raise RuntimeError(f"{len(self._connected)} of {scene.workers} workers came before the outage")
        self._pass(clock.now_ns + int((CALM_S + self._link.chance.random()) * _S))
        self._link.is_down = True
        for worker in self._workers:
            worker.cut()
        self._pass(clock.now_ns + int(scene.outage_s * _S))
        self._link.is_down = False
        dialled = sum(worker.dialled for worker in self._workers)
        served, stale, dropped = coordinator.served, coordinator.stale, coordinator.dropped
        back_s = self._until(scene.patience_s)
        return Outcome(
            back_s, len(self._connected),
            (sum(worker.dialled for worker in self._workers) - dialled) / scene.workers,
            coordinator.served - served, coordinator.stale - stale, coordinator.dropped - dropped,
        )  # fmt: skip

    def _moved(self, worker: Worker) -> None:
        if worker.is_connected:
            self._connected.add(worker)
        else:
            self._connected.discard(worker)

    def _until(self, within_s: float) -> float | None:
        """After how long all are connected."""
        began_ns = self._clock.now_ns
        end_ns = began_ns + int(within_s * _S)
        while len(self._connected) < len(self._workers):
            if self._clock.now_ns > end_ns or not self._clock.step():
                return None
        return (self._clock.now_ns - began_ns) / _S

    def _pass(self, until_ns: int) -> None:
        while self._clock.now_ns < until_ns and self._clock.step():
            pass


class _Silent(Journal):
    """A journal that writes nothing: the model counts for itself."""

    def __call__(self, event: type[Event], /, **fields: object) -> None:
        """Forget it."""
