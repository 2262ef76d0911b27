"""How soon each side noticed an outage, and what the way back was spent on. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from driver.histories.connection_history import LOSS, ConnectionHistory, Outage, connection_histories
from driver.histories.history import History
from driver.histories.outage_phases import PHASES, OutagePhase
from wire.events import WorkerGone, WorkerLost


@dataclass(frozen=True)
class Noticed:
    """One outage, and how long after the break each side knew of it.

    `coordinator_s` is None where it noticed nothing until the worker stood before it again; both count from
    the same break, so that a fault that only one side could see shows.
    """

    outage: Outage
    worker_s: float
    coordinator_s: float | None


@dataclass(frozen=True)
class Spent:
    """What all ways back together spent on one phase, in seconds."""

    phase: OutagePhase
    total_s: float
    share: float
    each_s: tuple[float, ...]


def noticed(history: History) -> list[Noticed]:
    """Every outage of a process that lived on, in order of the workers, with what each side knew when."""
    said: dict[str, set[int]] = {}
    for event in history.merged(WorkerLost, WorkerGone):
        if isinstance(event, WorkerLost | WorkerGone):
            said.setdefault(event.worker, set()).add(event.at_ns)
    return [
        Noticed(outage, outage.detection_s, _coordinator_s(story, outage, said.get(story.worker, set())))
        for story in history.view(connection_histories).values()
        for outage in story.outages
        if outage.how == LOSS
    ]


def spent(outages: Sequence[Outage]) -> list[Spent]:
    """What the ways back were spent on, phase by phase, of the outages that ended."""
    ended = [outage for outage in outages if outage.back_ns is not None]
    parts = [tuple(sorted(phase.length_s(outage) or 0.0 for outage in ended)) for phase in PHASES]
    whole_s = math.fsum(seconds for each_s in parts for seconds in each_s)
    return [
        Spent(phase, math.fsum(each_s), math.fsum(each_s) / whole_s if whole_s else 0.0, each_s)
        for phase, each_s in zip(PHASES, parts, strict=True)
    ]


def _coordinator_s(story: ConnectionHistory, outage: Outage, said_ns: set[int]) -> float | None:
    """When the coordinator gave up the connection that broke; None: not before it saw the next one.

    `said_ns` are the instants at which it wrote so: a belief that ended otherwise ended with the coordinator.
    """
    limit_ns = outage.back_ns if outage.back_ns is not None else math.inf
    for begin_ns, end_ns in story.by_coordinator:
        if begin_ns <= outage.broken_ns < end_ns:
            noticed = end_ns < limit_ns and end_ns in said_ns
            return (end_ns - outage.broken_ns) / 1e9 if noticed else None
    # It had given the connection up before the worker's own side of it broke.
    ended = [end_ns for _, end_ns in story.by_coordinator if end_ns <= outage.broken_ns]
    return 0.0 if ended and ended[-1] in said_ns else None
