"""Shrink a failing plan: find a shorter one that breaks the same invariant, and report it."""

from __future__ import annotations

from dataclasses import replace

import msgspec

from tests.simulation.plan import Plan, draw_plan
from tests.simulation.world import World

TRIES_MAX = 300


def broken_by(plan: Plan) -> tuple[str, World] | None:
    """Return the breach of a run of `plan` and the world at that instant; None when nothing breaks."""
    world = World(plan)
    try:
        world.run()
    except AssertionError as error:
        # (BrokenError is one; a core that finds its own books wrong raises another.)
        return str(error) or type(error).__name__, world
    return None


def shortest(plan: Plan) -> Plan:
    """Leave out troubles and tasks, one after the other, as long as something still breaks."""
    tries = 0
    for name in ("troubles", "tasks"):
        position = 0
        while position < len(getattr(plan, name)) and tries < TRIES_MAX:
            items = getattr(plan, name)
            shorter = replace(plan, **{name: items[:position] + items[position + 1 :]})
            tries += 1
            if broken_by(shorter) is not None:
                plan = shorter
            else:
                position += 1
    return plan


def report(seed: int) -> str:
    """Return the events of a failing seed and the command that replays it; "" when it does not fail."""
    plan = draw_plan(seed)
    if broken_by(plan) is None:
        return ""
    plan = shortest(plan)
    found = broken_by(plan)
    assert found is not None
    because, world = found
    lines = "".join(f"{msgspec.json.encode(event).decode()}\n" for event in world.last)
    troubles = "\n".join(f"    {trouble}" for trouble in plan.troubles)
    tasks = ", ".join(work.task_id for work in plan.tasks)
    return (
        f"seed {seed}: {because}\n  workers: {plan.workers}, tasks: {tasks}\n"
        f"  troubles that are needed:\n{troubles}\n"
        f"  the last lines before it:\n{lines}  replay: python -m tests.simulation --seed {seed}\n"
    )
