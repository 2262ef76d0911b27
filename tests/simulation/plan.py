"""What goes wrong in one simulated run, and when: all of it drawn from the seed before the run begins."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

from tests.simulation.worker_process import Steps
from wire.policies import POLICIES

TROUBLE_S = 12.0
KINDS = {
    "cut": 8, "half_open": 5, "damage": 5, "refuse": 3, "slow": 3, "kill_worker": 4, "freeze_worker": 4,
    "drain_worker": 2, "kill_coordinator": 2, "kill_before_commit": 2, "kill_after_commit": 2,
    "freeze_coordinator": 2, "drain_coordinator": 1, "clock_step": 1, "cut_all": 1,
    "replay": 4, "back_without_one": 4, "twin": 3, "hostile": 3,
}  # fmt: skip
PRIORITIES = ("critical", "high", "normal", "low", "background")


@dataclass(frozen=True)
class Trouble:
    """One thing that goes wrong at `at_s`, to worker number `worker` (where it has one), for `for_s`.

    With `when`, the kind of an event, it waits from then on for the event number `nth` of that kind about the
    worker, and happens right after the step that wrote it.
    """

    at_s: float
    kind: str
    worker: int
    for_s: float
    when: str = ""
    nth: int = 1

    def __str__(self) -> str:
        anchor = f" at {self.when} {self.nth}" if self.when else ""
        return f"{self.at_s:7.3f} s  {self.kind} worker-{self.worker} for {self.for_s:.2f} s{anchor}"


@dataclass(frozen=True)
class Work:
    """One task, submitted at `at_s`, and again `again_s` later, as the driver does without an answer."""

    at_s: float
    task_id: str
    what: Steps
    priority: str
    retry_errors: bool
    again_s: tuple[float, ...] = ()


@dataclass(frozen=True)
class Plan:
    """One run, whole: the same plan and seed give the same history, byte for byte."""

    seed: int
    workers: int
    tasks: tuple[Work, ...]
    troubles: tuple[Trouble, ...]
    policy: str
    adaptive_heartbeat: bool
    lasts_s: float = TROUBLE_S
    waiting_messages: int = 10_000
    """The bound of a worker's queue: with a small one, checkpoints are refused, or dropped for others."""
    rest_s: float = 7.0
    """Seconds after the time of its troubles before which a run does not end."""
    lease_ms: int = 3_000

    @property
    def is_patient(self) -> bool:
        """Whether the run goes on for minutes after all is done: one in sixteen does."""
        return self.seed % 16 == 0 and self.lasts_s == TROUBLE_S


def _draw_more(chance: random.Random, plan: Plan) -> Plan:
    """Tasks that outlive restarts, and restarts in a row. (Drawn apart, so that the other plans stay.)"""
    long = tuple(
        Work(chance.uniform(0, 3.0), f"task-{len(plan.tasks) + number}", Steps(30, 200.0), priority, False)
        for number, priority in enumerate(chance.sample(PRIORITIES, 3))
    )
    restarts = Trouble(chance.uniform(2.0, TROUBLE_S), "restarts", 1, chance.uniform(0.1, 1.0))
    troubles = sorted((*plan.troubles, restarts), key=lambda trouble: trouble.at_s)
    return replace(plan, tasks=plan.tasks + long, troubles=tuple(troubles))


def is_at_once(task_id: str) -> bool:
    """Whether the submitter waits for the result, so that the task may be assigned before it is durable:
    every second task. (Not drawn, so that the histories of the seeds stay the same.)
    """
    return int(task_id.rsplit("-", 1)[1]) % 2 == 1


def draw_plan(seed: int) -> Plan:
    """The plan of `seed`."""
    chance = random.Random(f"plan {seed}")
    workers = chance.randint(1, 4)
    # Where they all come at once, workers have more than they can begin.
    within_s = chance.choice((TROUBLE_S, TROUBLE_S, 0.5))
    from_s = chance.uniform(0, TROUBLE_S - within_s)
    tasks = tuple(draw_task(chance, number, from_s, within_s) for number in range(chance.randint(3, 24)))
    calm = chance.random() < 0.05
    kinds = chance.choices(list(KINDS), list(KINDS.values()), k=0 if calm else chance.randint(1, 9))
    troubles = tuple(
        sorted(
            (
                Trouble(
                    chance.uniform(0, TROUBLE_S), kind, chance.randint(1, workers), chance.uniform(0.05, 6.0)
                )
                for kind in kinds
            ),
            key=lambda trouble: trouble.at_s,
        )
    )
    policy = chance.choice(sorted(POLICIES))
    plan = Plan(
        seed, workers, tasks, troubles, policy, adaptive_heartbeat=chance.random() < 0.3,
        waiting_messages=1 if seed % 5 == 2 else 10_000,
    )  # fmt: skip
    return _draw_more(random.Random(f"more {seed}"), plan) if seed % 5 == 3 and troubles else plan


def draw_task(chance: random.Random, number: int, from_s: float, within_s: float) -> Work:
    """Task `number`, submitted within `within_s` after `from_s`."""
    steps = chance.choice((1, 1, 1, 3, 8))
    step_ms = chance.choice((0.0, 5.0, 80.0, 400.0))
    return Work(
        at_s=from_s + chance.uniform(0, within_s),
        task_id=f"task-{number}",
        what=Steps(steps, step_ms, fails=chance.random() < 0.1),
        priority=chance.choice(PRIORITIES),
        retry_errors=chance.random() < 0.5,
        again_s=tuple(chance.uniform(0, 5.0) for _ in range(chance.choice((0, 0, 0, 1, 3)))),
    )
