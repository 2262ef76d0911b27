"""One long run of a large fleet, with the settings that ship: `--workers 50 --hours 1`."""

from __future__ import annotations

import gc
import random
import time
from dataclasses import dataclass

from tests.simulation.plan import KINDS, Plan, Trouble, Work
from tests.simulation.worker_process import Steps
from tests.simulation.world import World
from wire.settings import CoordinatorSettings, WorkerSettings

TASKS_PER_S = 2.0
TROUBLE_EVERY_S = 10.0
LONGEST_TROUBLE_S = 30.0


class LongWorld(World):
    """A world that runs with what coordinator and workers get where nothing is set."""

    def coordinator_settings(self) -> CoordinatorSettings:
        """The defaults, for this fleet. Tasks are not given up, as in the short runs."""
        return CoordinatorSettings(fleet=self.plan.workers, max_attempts=1_000)

    def worker_settings(self) -> WorkerSettings:
        """The defaults."""
        return WorkerSettings()


@dataclass(frozen=True)
class Endured:
    """What a long run was, and how long it took: virtual and real seconds, and those of its one core."""

    workers: int
    tasks: int
    troubles: int
    virtual_s: float
    real_s: float
    cpu_s: float

    def __str__(self) -> str:
        what = (
            f"{self.workers} workers, {self.virtual_s / 3600:.2f} virtual hours, {self.tasks} tasks, "
            f"{self.troubles} troubles: nothing breaks"
        )
        by_clock, by_core = self.virtual_s / self.real_s, self.virtual_s / self.cpu_s
        return (
            f"{what}. {self.real_s:.1f} s by the clock, {self.cpu_s:.1f} s of one core: "
            f"{by_clock:.0f} × and {by_core:.0f} × real time"
        )


def endure(seed: int, workers: int, hours: float) -> Endured:
    """Run it. Raises BrokenError at the first breach."""
    plan = draw_long_plan(seed, workers, hours)
    gc.disable()
    began_s, began_cpu_s = time.perf_counter(), time.process_time()
    world = LongWorld(plan)
    world.run()
    real_s, cpu_s = time.perf_counter() - began_s, time.process_time() - began_cpu_s
    gc.enable()
    return Endured(workers, len(plan.tasks), len(plan.troubles), world.clock.now_ns / 1e9 - 1, real_s, cpu_s)


def draw_long_plan(seed: int, workers: int, hours: float) -> Plan:
    """Tasks and troubles at their rates for so long, drawn from the seed."""
    chance = random.Random(f"long plan {seed}")
    lasts_s = hours * 3600
    tasks = tuple(_draw_task(chance, number, lasts_s) for number in range(round(TASKS_PER_S * lasts_s)))
    kinds = chance.choices(list(KINDS), list(KINDS.values()), k=round(lasts_s / TROUBLE_EVERY_S))
    troubles = tuple(
        Trouble(
            chance.uniform(0, lasts_s),
            kind,
            chance.randint(1, workers),
            chance.uniform(0.05, LONGEST_TROUBLE_S),
        )
        for kind in kinds
    )
    return Plan(seed, workers, tasks, troubles, "slotted", adaptive_heartbeat=False, lasts_s=lasts_s)


def _draw_task(chance: random.Random, number: int, lasts_s: float) -> Work:
    return Work(
        at_s=chance.uniform(0, lasts_s),
        task_id=f"task-{number}",
        what=Steps(
            chance.choice((1, 1, 3)), chance.choice((0.0, 80.0, 1_000.0)), fails=chance.random() < 0.02
        ),
        priority=chance.choice(("critical", "high", "normal", "low", "background")),
        retry_errors=chance.random() < 0.5,
    )
