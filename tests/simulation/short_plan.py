"""Plans of a search: less than half as long as those of a seed, with fewer tasks and troubles."""

from __future__ import annotations

import random
from typing import Final

from tests.simulation.anchors import ANCHORS
from tests.simulation.plan import KINDS, Plan, Trouble, draw_task
from wire.policies import POLICIES

LASTS_S: Final = 5.0
REST_S: Final = 1.0
TASKS_MAX: Final = 8
TROUBLES_MAX: Final = 4
ANCHORED: Final = 0.25
"""Share of troubles that wait for an event or a frame, as in a search of real systems."""
LEASES_MS: Final = (1_500, 3_000)
SHORT_POLICIES: Final = tuple(sorted(POLICIES.keys() - {"none"}))
"""Without any delay a refused worker dials thousands of times: one such plan takes the time of fifty."""
LENGTHS_S: Final = (0.05, 0.3, 1.0, 4.0)


def draw_trouble(chance: random.Random, workers: int) -> Trouble:
    """One trouble at a time, or at an event or a frame after it."""
    kind = chance.choices(list(KINDS), list(KINDS.values()))[0]
    at_s = round(chance.uniform(0, LASTS_S), 3)
    worker, for_s = chance.randint(1, workers), draw_length_s(chance)
    if chance.random() >= ANCHORED:
        return Trouble(at_s, kind, worker, for_s)
    return Trouble(at_s, kind, worker, for_s, chance.choice(ANCHORS), 1 + int(chance.expovariate(1.0)))


def draw_length_s(chance: random.Random) -> float:
    """How long a trouble lasts."""
    return round(chance.choice(LENGTHS_S) * chance.uniform(0.5, 1.0), 3)


def draw_short_plan(seed: int) -> Plan:
    """The short plan of `seed`."""
    chance = random.Random(f"short plan {seed}")
    workers = chance.randint(1, 3)
    within_s = chance.choice((LASTS_S / 2, 0.5))
    tasks = tuple(draw_task(chance, number, 0.0, within_s) for number in range(chance.randint(2, TASKS_MAX)))
    troubles = [draw_trouble(chance, workers) for _ in range(chance.randint(1, TROUBLES_MAX))]
    return Plan(
        seed, workers, tasks, in_order(troubles), chance.choice(SHORT_POLICIES),
        adaptive_heartbeat=chance.random() < 0.3, lasts_s=LASTS_S,
        waiting_messages=chance.choice((1, 10_000, 10_000)), rest_s=REST_S,
        lease_ms=chance.choice(LEASES_MS),
    )  # fmt: skip


def in_order(troubles: list[Trouble] | tuple[Trouble, ...]) -> tuple[Trouble, ...]:
    """Return troubles in order of time."""
    return tuple(sorted(troubles, key=lambda one: (one.at_s, one.kind, one.worker)))
