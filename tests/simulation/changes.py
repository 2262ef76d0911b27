"""Changes of a plan that showed something new: at the messages of its own history, or with another one's."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

from tests.simulation.novelty import Moment
from tests.simulation.plan import KINDS, Plan, Trouble
from tests.simulation.short_plan import SHORT_POLICIES, draw_length_s, draw_trouble, in_order

MOST_TROUBLES: Final = 4
AIMED: Final = 0.75
MORE_CHANGES: Final = 0.25
"""Share of changed plans that get a trouble at a message, and of those that are changed once more."""
DRAWN_AIMS: Final = 24
SOON_MS: Final = 1_500
"""Troubles that are to meet begin within this."""


@dataclass(frozen=True)
class Tried:
    """A plan, with the moments of its history and the times at which its troubles began, both in ms."""

    plan: Plan
    moments: tuple[Moment, ...]
    begins_ms: tuple[int, ...]


@dataclass
class Aims:
    """How often a kind of trouble was aimed at a state, so that the next aim is at one that few were."""

    counts: Counter[str] = field(default_factory=Counter)

    def best(self, aims: list[tuple[str, Moment]]) -> tuple[str, Moment]:
        """Return the pair of a kind and a moment that is the rarest, and count it."""
        chosen = max(aims, key=lambda aim: sum(1 / (1 + self.counts[one]) for one in _keys(*aim)))
        self.counts.update(_keys(*chosen))
        return chosen


def _keys(kind: str, moment: Moment) -> tuple[str, ...]:
    _, name, _, (phase, load, session, coordinator), last = moment
    return (
        f"{kind}|{name}",
        f"{kind}|{phase}|{session}",
        f"{kind}|{session}|{coordinator}",
        f"{kind}|{name}|{coordinator}",
        f"{kind}|{name}|{load}",
        f"{last}|{kind}|{name}",
        f"{last}|{kind}|{session}",
        f"{last}|{kind}|{coordinator}",
    )


def changed(chance: random.Random, aims: Aims, parent: Tried, other: Tried, fresh: Plan) -> Plan:
    """Return a change of `parent`, which may take over troubles of `other` or tasks of `fresh`.

    It is mostly one trouble more, at a message: until that begins, the new history is that of the parent, so
    that it does begin there.
    """
    plan = parent.plan
    if len(plan.troubles) >= MOST_TROUBLES and chance.random() < 0.5:
        plan = _leave_out(chance, plan, plan, plan)
    if chance.random() < AIMED:
        plan = aim(chance, aims, parent, plan)
    else:
        plan = chance.choice(_CHANGES)(chance, plan, other.plan, fresh)
    while chance.random() < MORE_CHANGES:
        plan = chance.choice(_CHANGES)(chance, plan, other.plan, fresh)
    return replace(plan, troubles=in_order(plan.troubles[-MOST_TROUBLES:]))


def aim(chance: random.Random, aims: Aims, parent: Tried, plan: Plan) -> Plan:
    """Add a trouble to `plan`, or anchor one, at a moment of the parent's history; often soon after another
    trouble.
    """
    within = [one for one in parent.moments if one[0] < plan.lasts_s * 1_000]
    if parent.begins_ms and chance.random() < 0.6:
        from_ms = chance.choice(parent.begins_ms)
        within = [one for one in within if 0 <= one[0] - from_ms < SOON_MS] or within
    if not within:
        return _add(chance, plan, plan, plan)
    is_new = len(plan.troubles) < MOST_TROUBLES and (not plan.troubles or chance.random() < 0.7)
    place = len(plan.troubles) if is_new else chance.randrange(len(plan.troubles))
    kinds = list(KINDS) if is_new else [plan.troubles[place].kind]
    drawn = [(chance.choice(kinds), chance.choice(within)) for _ in range(DRAWN_AIMS)]
    kind, moment = aims.best(drawn)
    worker, nth = counted(chance, parent, moment)
    one = Trouble(0.0, kind, worker, draw_length_s(chance), moment[1], nth)
    return _with(plan, place, one)


def counted(chance: random.Random, parent: Tried, moment: Moment) -> tuple[int, int]:
    """Return the worker of a moment, and which one of its name it is for that worker."""
    name, worker = moment[1], moment[2]
    number = int(worker.split("-")[1]) if worker else chance.randint(1, parent.plan.workers)
    its = ("", f"worker-{number}")
    nth = 0
    for one in parent.moments:
        nth += one[1] == name and one[2] in its
        if one is moment:
            break
    return number, max(1, nth)


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
