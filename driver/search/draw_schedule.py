"""Draws schedules by a seed, and changes one that showed something new. Pure."""

from __future__ import annotations

import random
from collections.abc import Callable

from msgspec.structs import replace

from chaos.anchor import WITHIN_S
from chaos.catalogue import FAULTS, make
from chaos.fault import Layer
from chaos.units import format_seconds, parse_seconds
from driver.scenarios.conflicts import first_conflict
from driver.scenarios.plan import PlannedFault
from driver.search.fault_space import FaultSpace
from driver.search.parameter_values import draw_params
from driver.search.schedule import TIME_STEP_S, Schedule, ScheduledFault, in_order, rounded

TRIES = 200
SHORTEST_S = 0.2
ANCHOR_S = 1.0
"""How long a fault waits for its anchor; without it the fault does not begin."""
ANCHORED = 0.25
"""Share of drawn faults that wait for an anchor."""
DIALLED_AGAIN = 0.15
"""Share of these that may wait for a connection on a link where one comes only after another fault."""
_WAYS = ("to_coordinator", "to_worker")


def draw(chance: random.Random, space: FaultSpace) -> Schedule:
    """Return a drawn schedule of one fault or more, without a conflict between two of them."""
    assert space.faults, "there is a fault to draw"
    wanted = chance.choice(range(1, space.most_faults + 1))
    schedule = _of(space, ())
    for tries in range(2 * TRIES):
        if len(schedule.faults) == wanted or (schedule.faults and tries >= TRIES):
            break
        more = _of(space, (*schedule.faults, draw_fault(chance, space)))
        if not conflict_in(more):
            schedule = more
    assert schedule.faults, "most faults alone are in no conflict"
    return schedule


def draw_fault(chance: random.Random, space: FaultSpace) -> ScheduledFault:
    """Return one drawn fault with its targets and times."""
    fault = chance.choice(space.faults)
    offered = space.targets_of(fault)
    # Most often one target: several at once are a fault of their own, and found by changes.
    count = 1 if chance.random() < 0.75 else chance.randint(1, len(offered))
    targets = tuple(sorted(chance.sample(offered, count)))
    at_s, for_s = draw_times(chance, space, FAULTS[fault].lasting)
    params = draw_params(chance, fault, space.until_s - space.from_s)
    drawn = ScheduledFault(fault, targets, at_s, for_s, params)
    return anchored(chance, space, drawn) if chance.random() < ANCHORED else drawn


def draw_times(chance: random.Random, space: FaultSpace, lasting: bool) -> tuple[float, float | None]:
    """Return when a fault begins, and how long it lasts: short ones as often as long ones."""
    room_s = space.until_s - space.from_s
    assert room_s >= SHORTEST_S + TIME_STEP_S, "a fault has time to begin and to end"
    if not lasting:
        return rounded(chance.uniform(space.from_s, space.until_s - TIME_STEP_S)), None
    for_s = rounded(SHORTEST_S * (room_s / SHORTEST_S) ** chance.random())
    for_s = max(SHORTEST_S, min(for_s, rounded(room_s - TIME_STEP_S)))
    latest_s = max(space.from_s, space.until_s - for_s)
    return rounded(chance.uniform(space.from_s, latest_s)), for_s


def anchored(chance: random.Random, space: FaultSpace, one: ScheduledFault) -> ScheduledFault:
    """Return a fault that begins at a byte, an answer or a connection within ANCHOR_S, and no more at a time;
    the fault as it is where it has no time for that, or several targets.
    """
    is_link = FAULTS[one.fault].layer is not Layer.container
    latest_s = space.until_s - ANCHOR_S - (one.for_s or 0.0)
    if len(one.targets) > 1 or not space.links or latest_s < space.from_s:
        return replace(one, when={})
    link = one.targets[0] if is_link else chance.choice(space.links)
    points: list[dict[str, object]] = [
        {"bytes": round(2 ** chance.uniform(0, 12)), "direction": chance.choice(_WAYS)},
        {"response": 1 + int(chance.expovariate(0.3)), "before": chance.random() < 0.5},
    ]
    if space.dialled is None or link in space.dialled or chance.random() < DIALLED_AGAIN:
        points.append({"connection": 1})
    point = {name: value for name, value in chance.choice(points).items() if value is not False}
    at_s = rounded(min(one.at_s, latest_s))
    return replace(one, at_s=at_s, when={"link": [link], **point, "within": format_seconds(ANCHOR_S)})


def mutate(chance: random.Random, space: FaultSpace, parent: Schedule, other: Schedule) -> Schedule:
    """Return a changed copy of a schedule without a conflict; `other` is one whose faults may join it."""
    for _ in range(TRIES):
        changed = chance.choice(_CHANGES)(chance, space, parent, other)
        if changed.faults and changed.key != parent.key and not conflict_in(changed):
            return changed
    return draw(chance, space)


def conflict_in(schedule: Schedule) -> str:
    """Return why two faults of a schedule cannot be together, or one not in its time; "" where they can."""
    planned = planned_faults(schedule)
    late = [one.fault for one in planned if one.end_s > schedule.duration_s]
    if late:
        return f"a part of it, {late[0]}, would end after the load"
    found = first_conflict(planned)
    return f"{found.one.fault} and {found.other.fault} on {found.target}: {found.why}" if found else ""


def planned_faults(schedule: Schedule) -> list[PlannedFault]:
    """Return the faults of a schedule as a plan has them, in order of time; the wait for an anchor counts as
    a part of its fault's length.
    """
    planned = []
    for number, one in enumerate(schedule.faults):
        wait_s = parse_seconds(one.when.get("within", f"{WITHIN_S}s")) if one.when else 0.0
        for place, part in enumerate(make(one.fault, one.params).expand(one.for_s)):
            name = f"{one.fault}-{number}-{place}"
            planned.append(
                PlannedFault(
                    id=name, entry=name, fault=part.fault.name, params=part.fault.params(),
                    targets=one.targets, at_s=one.at_s + part.at_s,
                    for_s=(part.for_s or 0.0) + wait_s if wait_s else part.for_s, seed=0,
                )
            )  # fmt: skip
    return sorted(planned, key=lambda fault: (fault.at_s, fault.id))


# -- changes ---------------------------------------------------------------------------------------------


def _of(space: FaultSpace, faults: tuple[ScheduledFault, ...]) -> Schedule:
    return Schedule(in_order(faults), space.duration_s, space.clients)


def _with(schedule: Schedule, place: int, fault: ScheduledFault) -> Schedule:
    faults = (*schedule.faults[:place], fault, *schedule.faults[place + 1 :])
    return replace(schedule, faults=in_order(faults))


def _place(chance: random.Random, schedule: Schedule) -> tuple[int, ScheduledFault]:
    place = chance.randrange(len(schedule.faults))
    return place, schedule.faults[place]


def _fitted(space: FaultSpace, one: ScheduledFault, at_s: float, for_s: float | None) -> ScheduledFault:
    """Return a fault with new times, moved and cut so that it is within the space's time."""
    if for_s is None:
        return replace(one, at_s=rounded(min(max(at_s, space.from_s), space.until_s - TIME_STEP_S)))
    for_s = rounded(min(max(for_s, SHORTEST_S), space.until_s - space.from_s - TIME_STEP_S))
    latest_s = max(space.from_s, space.until_s - for_s)
    return replace(one, at_s=rounded(min(max(at_s, space.from_s), latest_s)), for_s=for_s)


def _move(chance: random.Random, space: FaultSpace, of: Schedule, other: Schedule) -> Schedule:
    place, one = _place(chance, of)
    return _with(of, place, _fitted(space, one, one.at_s + chance.gauss(0.0, 0.5), one.for_s))


def _align(chance: random.Random, space: FaultSpace, of: Schedule, other: Schedule) -> Schedule:
    """One fault begins when another one begins or ends."""
    place, one = _place(chance, of)
    _, beside = _place(chance, of)
    at_s = chance.choice((beside.at_s, beside.end_s, beside.end_s - (one.for_s or 0.0)))
    return _with(of, place, _fitted(space, one, at_s, one.for_s))


def _resize(chance: random.Random, space: FaultSpace, of: Schedule, other: Schedule) -> Schedule:
    place, one = _place(chance, of)
    if one.for_s is None:
        return of
    return _with(of, place, _fitted(space, one, one.at_s, one.for_s * chance.choice((0.25, 0.5, 2.0, 4.0))))


def _aim(chance: random.Random, space: FaultSpace, of: Schedule, other: Schedule) -> Schedule:
    place, one = _place(chance, of)
    target = chance.choice(space.targets_of(one.fault))
    targets = {target} if chance.random() < 0.7 else {*one.targets, target}
    return _with(of, place, replace(one, targets=tuple(sorted(targets)), when={}))


def _anchor(chance: random.Random, space: FaultSpace, of: Schedule, other: Schedule) -> Schedule:
    place, one = _place(chance, of)
    return _with(of, place, anchored(chance, space, one))


def _tune(chance: random.Random, space: FaultSpace, of: Schedule, other: Schedule) -> Schedule:
    place, one = _place(chance, of)
    return _with(of, place, replace(one, params=draw_params(chance, one.fault, space.until_s - space.from_s)))


def _add(chance: random.Random, space: FaultSpace, of: Schedule, other: Schedule) -> Schedule:
    if len(of.faults) > space.most_faults:
        return of
    return replace(of, faults=in_order((*of.faults, draw_fault(chance, space))))


def _join(chance: random.Random, space: FaultSpace, of: Schedule, other: Schedule) -> Schedule:
    if len(of.faults) > space.most_faults or not other.faults:
        return of
    return replace(of, faults=in_order((*of.faults, chance.choice(other.faults))))


def _leave_out(chance: random.Random, space: FaultSpace, of: Schedule, other: Schedule) -> Schedule:
    place, _ = _place(chance, of)
    return replace(of, faults=of.faults[:place] + of.faults[place + 1 :])


def _repeat(chance: random.Random, space: FaultSpace, of: Schedule, other: Schedule) -> Schedule:
    if len(of.faults) > space.most_faults:
        return of
    _, one = _place(chance, of)
    again = _fitted(space, one, one.end_s + chance.choice((0.1, 0.3, 1.0)), one.for_s)
    return replace(of, faults=in_order((*of.faults, again)))


_CHANGES: tuple[Callable[[random.Random, FaultSpace, Schedule, Schedule], Schedule], ...] = (
    *(_move, _align, _anchor, _resize, _aim, _tune, _add, _add, _join, _leave_out, _repeat),
)
