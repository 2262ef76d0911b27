"""Ways to make a schedule smaller: fewer faults, fewer targets, shorter, simpler, less load. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator

from msgspec.structs import replace

from chaos.catalogue import FAULTS
from driver.search.draw_schedule import SHORTEST_S, conflict_in
from driver.search.parameter_values import complexity, example_params, simpler_params
from driver.search.schedule import TIME_STEP_S, Schedule, ScheduledFault, in_order, rounded

LEAST_AFTER_S = 1.0
"""Load that stays after the last fault, so that what follows it is seen."""
LEAST_LOAD = 0.1
"""Of the rate; less shows nothing in a few seconds."""
SIMPLE = ("cut", "refuse", "reset", "stall", "kill")
"""Faults that need no explanation, the simplest first."""


def size_of(schedule: Schedule) -> tuple[float, ...]:
    """Return how large a schedule is, compared from left to right: faults, targets, clients, anchors, digits
    of values, seconds under faults, load, duration, and when the faults begin.
    """
    return (
        len(schedule.faults),
        sum(len(one.targets) for one in schedule.faults),
        schedule.clients,
        sum(len(one.when) for one in schedule.faults),
        sum(_rank(one) + complexity(one.params, example_params(one.fault)) for one in schedule.faults),
        round(sum(one.for_s or 0.0 for one in schedule.faults), 3),
        round(schedule.load_share, 3),
        round(schedule.duration_s, 3),
        round(sum(one.at_s * (1 + _is_odd(one.at_s)) for one in schedule.faults), 3),
    )


def without_faults(schedule: Schedule, kept: frozenset[int]) -> Schedule:
    """Return a schedule with the faults of these places alone."""
    return replace(schedule, faults=tuple(one for place, one in enumerate(schedule.faults) if place in kept))


def smaller(
    schedule: Schedule, from_s: float, least_clients: int = 1, least_load: float = LEAST_LOAD
) -> Iterator[Schedule]:
    """Yield schedules that are smaller in one way each, those that leave out most first, without conflicts.

    `from_s` is when the first fault may begin, `least_load` the smallest share of the rate.
    """
    for candidate in _all_smaller(schedule, from_s, least_clients, least_load):
        if size_of(candidate) < size_of(schedule) and not conflict_in(candidate):
            yield candidate


def _all_smaller(
    schedule: Schedule, from_s: float, least_clients: int, least_load: float
) -> Iterator[Schedule]:
    for place, one in enumerate(schedule.faults):
        for changed in _fewer_targets(one):
            yield _with(schedule, place, changed)
    yield from _fewer_clients(schedule, least_clients)
    for place, one in enumerate(schedule.faults):
        for changed in (*_simpler(one), *_shorter(one)):
            yield _with(schedule, place, changed)
    yield from _less_load(schedule, least_load)
    yield from _sooner(schedule, from_s)


def _with(schedule: Schedule, place: int, fault: ScheduledFault) -> Schedule:
    faults = (*schedule.faults[:place], fault, *schedule.faults[place + 1 :])
    return replace(schedule, faults=in_order(faults))


def _fewer_targets(one: ScheduledFault) -> Iterator[ScheduledFault]:
    count = len(one.targets)
    if count > 2:
        yield replace(one, targets=one.targets[: count // 2])
        yield replace(one, targets=one.targets[count // 2 :])
    if count > 1:
        for place in range(count):
            yield replace(one, targets=one.targets[:place] + one.targets[place + 1 :])


def _fewer_clients(schedule: Schedule, least: int) -> Iterator[Schedule]:
    if not schedule.clients:
        return
    named = [int(target.rpartition("-")[2]) for one in schedule.faults for target in one.targets
             if target.startswith("worker-")]  # fmt: skip
    fewest = max([least, *named])
    for count in dict.fromkeys((fewest, (fewest + schedule.clients) // 2)):
        if count < schedule.clients:
            yield replace(schedule, clients=count)


def _simpler(one: ScheduledFault) -> Iterator[ScheduledFault]:
    if one.when:
        yield replace(one, when={})
    layer, lasting = FAULTS[one.fault].layer, FAULTS[one.fault].lasting
    for name in SIMPLE:
        kind = FAULTS[name]
        if kind.layer is layer and name != one.fault and (kind.lasting == lasting or not kind.lasting):
            for_s = one.for_s if kind.lasting else None
            yield replace(one, fault=name, params={}, for_s=for_s)
    for params in simpler_params(one.fault, one.params):
        yield replace(one, params=params)


def _shorter(one: ScheduledFault) -> Iterator[ScheduledFault]:
    if one.for_s is None:
        return
    for share in (0.125, 0.25, 0.5, 0.75):
        for_s = max(SHORTEST_S, rounded(one.for_s * share))
        if for_s < one.for_s:
            yield replace(one, for_s=for_s)
    whole = math.floor(one.for_s)
    if 0 < whole < one.for_s:
        yield replace(one, for_s=float(whole))


def _less_load(schedule: Schedule, least: float) -> Iterator[Schedule]:
    last_s = max((one.end_s for one in schedule.faults), default=0.0)
    shortest_s = math.ceil(last_s + LEAST_AFTER_S)
    if shortest_s < schedule.duration_s:
        yield replace(schedule, duration_s=float(shortest_s))
    for share in (0.25, 0.5):
        if schedule.load_share * share >= least:
            yield replace(schedule, load_share=schedule.load_share * share)


def _sooner(schedule: Schedule, from_s: float) -> Iterator[Schedule]:
    """All faults earlier by as much, then each at a whole second, then each at the first one's begin."""
    first_s = min((one.at_s for one in schedule.faults), default=from_s)
    if first_s > from_s + TIME_STEP_S / 2:
        yield replace(
            schedule,
            faults=tuple(replace(one, at_s=rounded(one.at_s - first_s + from_s)) for one in schedule.faults),
        )
    for place, one in enumerate(schedule.faults):
        whole = float(math.floor(one.at_s))
        if from_s <= whole < one.at_s:
            yield _with(schedule, place, replace(one, at_s=whole))
        if one.at_s > first_s:
            yield _with(schedule, place, replace(one, at_s=first_s))


def _rank(one: ScheduledFault) -> int:
    return SIMPLE.index(one.fault) if one.fault in SIMPLE else len(SIMPLE)


def _is_odd(seconds: float) -> bool:
    return not float(seconds).is_integer()
