"""Changes of a plan that showed something new: small ones, or troubles and tasks of another plan."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from tests.simulation.archive import MOST_TROUBLES
from tests.simulation.plan import Plan, Trouble
from tests.simulation.short_plan import SHORT_POLICIES, draw_length_s, draw_trouble, in_order

MORE_CHANGES: Final = 0.4
"""Share of changed plans that are changed once more."""


def changed(chance: random.Random, parent: Plan, other: Plan, fresh: Plan) -> Plan:
    """Return a change of `parent`, which may take over troubles of `other` or tasks of `fresh`."""
    plan = chance.choice(_CHANGES)(chance, parent, other, fresh)
    while chance.random() < MORE_CHANGES:
        plan = chance.choice(_CHANGES)(chance, plan, other, fresh)
    return replace(plan, troubles=in_order(plan.troubles[-MOST_TROUBLES:]))


def _with(plan: Plan, place: int, one: Trouble) -> Plan:
    return replace(plan, troubles=(*plan.troubles[:place], one, *plan.troubles[place + 1 :]))


def _move(chance: random.Random, plan: Plan, other: Plan, fresh: Plan) -> Plan:
    if not plan.troubles:
        return plan
    place = chance.randrange(len(plan.troubles))
    one = plan.troubles[place]
    if one.when:
        return _with(plan, place, replace(one, nth=max(1, one.nth + chance.choice((-2, -1, 1, 1, 2, 3)))))
    at_s = min(max(0.0, one.at_s + chance.gauss(0, 0.3)), plan.lasts_s)
    return _with(plan, place, replace(one, at_s=round(at_s, 3)))


def _align(chance: random.Random, plan: Plan, other: Plan, fresh: Plan) -> Plan:
    """Let a trouble begin with another one, or with its end."""
    if len(plan.troubles) < 2:
        return plan
    place, beside = chance.sample(range(len(plan.troubles)), 2)
    model = plan.troubles[beside]
    at_s = model.at_s if model.when else min(model.at_s + chance.choice((0.0, model.for_s)), plan.lasts_s)
    one = replace(plan.troubles[place], at_s=round(at_s, 3), worker=model.worker)
    return _with(plan, place, replace(one, when=model.when, nth=model.nth))


def _resize(chance: random.Random, plan: Plan, other: Plan, fresh: Plan) -> Plan:
    if not plan.troubles:
        return plan
    place = chance.randrange(len(plan.troubles))
    return _with(plan, place, replace(plan.troubles[place], for_s=draw_length_s(chance)))


def _rename(chance: random.Random, plan: Plan, other: Plan, fresh: Plan) -> Plan:
    """Another kind of trouble at the same place."""
    if not plan.troubles:
        return plan
    place = chance.randrange(len(plan.troubles))
    kind = draw_trouble(chance, plan.workers).kind
    return _with(plan, place, replace(plan.troubles[place], kind=kind))


def _add(chance: random.Random, plan: Plan, other: Plan, fresh: Plan) -> Plan:
    return replace(plan, troubles=(*plan.troubles, draw_trouble(chance, plan.workers)))


def _leave_out(chance: random.Random, plan: Plan, other: Plan, fresh: Plan) -> Plan:
    if len(plan.troubles) < 2:
        return plan
    place = chance.randrange(len(plan.troubles))
    return replace(plan, troubles=plan.troubles[:place] + plan.troubles[place + 1 :])


def _combine(chance: random.Random, plan: Plan, other: Plan, fresh: Plan) -> Plan:
    """Add troubles of another plan."""
    if not other.troubles:
        return plan
    taken = chance.sample(other.troubles, chance.randint(1, min(2, len(other.troubles))))
    mine = [replace(one, worker=min(one.worker, plan.workers)) for one in taken]
    return replace(plan, troubles=(*plan.troubles, *mine))


def _other_tasks(chance: random.Random, plan: Plan, other: Plan, fresh: Plan) -> Plan:
    return replace(plan, tasks=chance.choice((other, fresh)).tasks)


def _other_luck(chance: random.Random, plan: Plan, other: Plan, fresh: Plan) -> Plan:
    """The same troubles at the same messages, with other delays."""
    return replace(plan, seed=fresh.seed)


def _other_settings(chance: random.Random, plan: Plan, other: Plan, fresh: Plan) -> Plan:
    return replace(
        plan, seed=fresh.seed, policy=chance.choice(SHORT_POLICIES),
        adaptive_heartbeat=fresh.adaptive_heartbeat, waiting_messages=chance.choice((1, 10_000, 10_000)),
        lease_ms=fresh.lease_ms,
    )  # fmt: skip


_CHANGES: tuple[Callable[[random.Random, Plan, Plan, Plan], Plan], ...] = (
    *(_move, _move, _align, _resize, _resize, _rename, _add, _leave_out, _leave_out, _combine, _combine),
    *(_other_tasks, _other_settings, _other_luck, _other_luck),
)
