"""Trouble, as a plan has it: what each kind does to processes and links, and how it ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tests.simulation.coordinator_process import CoordinatorProcess
from tests.simulation.plan import TROUBLE_S, Trouble
from tests.simulation.worker_process import WorkerProcess

if TYPE_CHECKING:
    from tests.simulation.world import World

RESTARTS: Final = 3
"""Number of repetitions in one trouble of that kind."""
_S: Final = 1_000_000_000


class Strikes:
    """Makes the trouble of one world."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._clock = world.clock
        self._chance = world.chance
        lasts_s = min(TROUBLE_S, world.plan.lasts_s)
        self._drained_ns = int(lasts_s * _S)
        self._last_ns = int((lasts_s + 6) * _S)

    def strike(self, trouble: Trouble) -> None:
        """It begins, and ends by itself."""
        self._world.struck(trouble)
        worker = self._world.workers[trouble.worker - 1]
        for_ns = int(trouble.for_s * _S)
        match trouble.kind:
            case "cut":
                self._cut(worker)
            case "cut_all":
                for each in self._world.workers:
                    self._cut(each)
            case "half_open":
                self._for_a_while(worker, for_ns, silent=True)
            case "damage":
                self._for_a_while(worker, for_ns, damage=self._chance.choice((0.02, 0.2, 0.7)))
            case "replay":
                self._for_a_while(worker, for_ns, replay=self._chance.choice((0.05, 0.5)))
            case "refuse":
                self._for_a_while(worker, for_ns, refusing=True)
                self._cut(worker)
            case "slow":
                self._for_a_while(worker, for_ns, delay_ms=(50.0, 900.0))
            case "kill_worker":
                if worker.is_alive:
                    worker.kill()
                self._restart(worker, for_ns)
            case "drain_worker":
                if worker.is_alive:
                    worker.inside(worker.drain)()
                self._restart(worker, self._drained_ns)
            case "freeze_worker":
                worker.freeze(for_ns)
            case "freeze_coordinator":
                self._world.coordinator.freeze(for_ns)
            case "back_without_one":
                self._strike_coordinator("kill_coordinator", int(0.3 * _S))
                self._for_a_while(worker, for_ns, refusing=True)
            case "twin":
                self._double(worker, for_ns)
            case "hostile":
                self._turn(worker, for_ns)
            case "restarts":
                for number in range(RESTARTS):
                    self._clock.after(number * for_ns, self._restart_coordinator)
            case "clock_step":
                self._clock.wall_offset_s += self._chance.choice((-30.0, 60.0))
            case _:
                self._strike_coordinator(trouble.kind, for_ns)

    def _restart_coordinator(self) -> None:
        self._strike_coordinator("kill_coordinator", int(0.05 * _S))

    def _strike_coordinator(self, kind: str, for_ns: int) -> None:
        coordinator = self._world.coordinator
        if not coordinator.is_alive:
            return
        if kind == "drain_coordinator":
            coordinator.inside(coordinator.drain)()
            self._clock.after(2 * _S, lambda: coordinator.kill() if coordinator.is_alive else None)
            for_ns += 2 * _S
        elif kind == "kill_coordinator":
            coordinator.kill()
        else:
            coordinator.crash_at_commit = "before" if kind == "kill_before_commit" else "after"
        self._restart(coordinator, for_ns)

    def _restart(self, process: CoordinatorProcess | WorkerProcess, after_ns: int) -> None:
        """Start the process again once it is dead; look again later while it is not."""

        def revive() -> None:
            if not process.is_alive:
                process.start()

        self._clock.after(after_ns, revive)
        self._clock.after(self._last_ns, self._last_rites)

    def _last_rites(self) -> None:
        """End all trouble: start dead processes again, and cancel pending crashes."""
        self._world.coordinator.crash_at_commit = None
        for process in self._world.processes:
            if process in self._world.twins and process.is_alive:
                process.kill()
            elif process not in self._world.twins and not process.is_alive:
                process.start()

    def _turn(self, worker: WorkerProcess, for_ns: int) -> None:
        """The worker claims attempts of others; every second time, from a coordinator that lost some."""
        worker.loot = self._world.assigned
        if self._chance.random() < 0.5:
            self._strike_coordinator("kill_before_commit", int(0.3 * _S))
            for_ns += 4 * _S

        def end() -> None:
            worker.loot = None

        self._clock.after(for_ns, end)

    def _double(self, worker: WorkerProcess, for_ns: int) -> None:
        """A second process of the worker's name starts, over the same link; then one of both ends."""
        twin = self._world.make_worker(
            worker.name, f"{worker.name}-twin-{len(self._world.twins)}", worker.wire
        )
        self._world.twins.append(twin)
        self._world.processes.append(twin)
        twin.start()

        def end() -> None:
            loser = self._chance.choice((worker, twin))
            if loser.is_alive:
                loser.kill()

        self._clock.after(for_ns, end)
        self._clock.after(self._last_ns, self._last_rites)

    def _cut(self, worker: WorkerProcess) -> None:
        for process in (worker, *(twin for twin in self._world.twins if twin.name == worker.name)):
            for connection in process.connections:
                connection.cut(self._chance.choice(("closed", "reset")))

    def _for_a_while(self, worker: WorkerProcess, for_ns: int, **change: object) -> None:
        """Change the link, and put it back. What a silent link swallowed kills the connections that lost
        it.
        """
        normal = {name: getattr(type(worker.wire)(), name) for name in change}
        for name, value in change.items():
            setattr(worker.wire, name, value)

        def heal() -> None:
            for name, value in normal.items():
                setattr(worker.wire, name, value)
            if "silent" in normal:
                self._cut(worker)

        self._clock.after(for_ns, heal)
