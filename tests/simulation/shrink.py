"""Shrink a failing plan: find the smallest that breaks the same invariant in the same way, and report it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TypeVar

import msgspec

from driver.search.ddmin import ddmin
from tests.simulation.plan import Plan, Trouble, Work, draw_plan
from tests.simulation.worker_process import Steps
from tests.simulation.world import World
from worker.session import ImpossibleTransitionError

TRIES_MAX = 2_000
T = TypeVar("T")
_VARIES = re.compile(r"\d+(?:\.\d+)?")


class TriesUsedError(Exception):
    """A reduction has had all its tries: what it has is the result."""


def breach_of(world: World) -> str:
    """Run a world; return the breach that ended it, "" without one."""
    try:
        world.run()
    except (AssertionError, ImpossibleTransitionError) as error:
        # (BrokenError is one; a core that finds its own books wrong raises another.)
        return str(error) or type(error).__name__
    return ""


def broken_by(plan: Plan) -> tuple[str, World] | None:
    """Return the breach of a run of `plan` and the world at that instant; None when nothing breaks."""
    world = World(plan)
    breach = breach_of(world)
    return (breach, world) if breach else None


def kind_of(breach: str) -> str:
    """Return what makes two breaches the same: the sentence without numbers, those of tasks among them."""
    return _VARIES.sub("#", breach)


def shortest(plan: Plan, most: int = TRIES_MAX) -> Plan:
    """Return the smallest plan that breaks as this one does, found in `most` tries.

    Troubles and tasks are left out first, by delta debugging; then workers, anchors and values are made
    simpler, until nothing simpler breaks in the same way.
    """
    found = broken_by(plan)
    assert found is not None, "the plan breaks an invariant"
    shrinker = _Shrinker(plan, kind_of(found[0]), most)
    with suppress(TriesUsedError):
        shrinker.run()
    return shrinker.best


class _Shrinker:
    def __init__(self, plan: Plan, kind: str, most: int) -> None:
        self.best = plan
        self._kind = kind
        self._left = most
        self._known: dict[str, bool] = {}

    def run(self) -> None:
        is_smaller = True
        while is_smaller:
            before = self.best
            self._fewer(self.best.troubles, lambda whole, part: replace(whole, troubles=part))
            self._fewer(self.best.tasks, lambda whole, part: replace(whole, tasks=part))
            while any(self._keeps(one) for one in simpler(self.best)):
                pass
            is_smaller = self.best != before

    def _fewer(self, items: tuple[T, ...], of: Callable[[Plan, tuple[T, ...]], Plan]) -> None:
        whole = self.best

        def fails(part: Sequence[T]) -> bool:
            return self._keeps(of(whole, tuple(part)))

        if items and not fails(()):
            ddmin(items, fails)

    def _keeps(self, candidate: Plan) -> bool:
        """Whether a candidate breaks in the same way; the smallest that does is the best."""
        key = repr(candidate)
        if key not in self._known:
            if self._left <= 0:
                raise TriesUsedError
            self._left -= 1
            found = broken_by(candidate)
            self._known[key] = found is not None and kind_of(found[0]) == self._kind
            if self._known[key] and size_of(candidate) < size_of(self.best):
                self.best = candidate
        return self._known[key]


def size_of(plan: Plan) -> tuple[float, ...]:
    """Return how large a plan is: troubles, tasks, workers, then how much there is to read of them."""
    return (
        len(plan.troubles),
        len(plan.tasks),
        plan.workers,
        sum(len(one.again_s) for one in plan.tasks),
        sum(one.what.steps + one.retry_errors + one.what.fails + _digits(one.at_s) for one in plan.tasks),
        sum(bool(one.when) + one.nth + _digits(one.at_s) + _digits(one.for_s) for one in plan.troubles),
        round(sum(one.for_s for one in plan.troubles), 6),
        plan.adaptive_heartbeat
        + (plan.waiting_messages < 10_000)
        + (plan.policy != SIMPLE_POLICY)
        + (plan.lease_ms != SIMPLE_LEASE_MS),
        round(sum(one.at_s for one in plan.troubles) + sum(one.at_s for one in plan.tasks), 6),
    )


SIMPLE_POLICY = "equal_jitter"
SIMPLE_LEASE_MS = 3_000


def simpler(plan: Plan) -> Iterator[Plan]:
    """Yield plans with one thing simpler each; each is smaller by `size_of`."""
    for candidate in _candidates(plan):
        if size_of(candidate) < size_of(plan):
            yield candidate


def _candidates(plan: Plan) -> Iterator[Plan]:
    needed = max((one.worker for one in plan.troubles), default=1)
    for workers in range(needed, plan.workers):
        yield replace(plan, workers=workers)
    if needed > 1:
        yield replace(plan, troubles=tuple(replace(one, worker=1) for one in plan.troubles))
    for place, trouble in enumerate(plan.troubles):
        for each in _simpler_troubles(trouble):
            yield replace(plan, troubles=(*plan.troubles[:place], each, *plan.troubles[place + 1 :]))
    for place, work in enumerate(plan.tasks):
        for one in _simpler_tasks(work):
            yield replace(plan, tasks=(*plan.tasks[:place], one, *plan.tasks[place + 1 :]))
    yield replace(plan, adaptive_heartbeat=False)
    yield replace(plan, waiting_messages=10_000)
    yield replace(plan, policy=SIMPLE_POLICY)
    yield replace(plan, lease_ms=SIMPLE_LEASE_MS)


def _simpler_troubles(one: Trouble) -> Iterator[Trouble]:
    if one.when:
        yield replace(one, when="", nth=1)
        yield from (replace(one, nth=nth) for nth in range(1, one.nth))
    yield from (replace(one, at_s=at_s) for at_s in _simpler_seconds(one.at_s))
    yield from (replace(one, for_s=for_s) for for_s in _simpler_seconds(one.for_s) if for_s > 0)


def _simpler_tasks(one: Work) -> Iterator[Work]:
    yield replace(one, again_s=())
    yield replace(one, retry_errors=False)
    yield replace(one, what=Steps(1, one.what.step_ms, one.what.fails))
    yield replace(one, what=Steps(one.what.steps, one.what.step_ms))
    yield from (replace(one, at_s=at_s) for at_s in _simpler_seconds(one.at_s))


def _simpler_seconds(seconds: float) -> list[float]:
    rounded = [float(round(seconds)), round(seconds, 1), round(seconds, 2), seconds / 2, 0.0]
    return [one for one in dict.fromkeys(rounded) if one < seconds or _digits(one) < _digits(seconds)]


def _digits(seconds: float) -> int:
    return len(f"{seconds:.6g}".replace(".", "").strip("0"))


def report(seed: int) -> str:
    """Return the events of a failing seed and the command that replays it; "" when it does not fail."""
    plan = draw_plan(seed)
    if broken_by(plan) is None:
        return ""
    return described(shortest(plan), f"seed {seed}", f"python -m tests.simulation --seed {seed}")


def described(plan: Plan, name: str, command: str) -> str:
    """Return a plan that breaks, what is needed for it, and the events before the breach."""
    found = broken_by(plan)
    assert found is not None
    because, world = found
    lines = "".join(f"{msgspec.json.encode(event).decode()}\n" for event in world.last)
    troubles = "\n".join(f"    {trouble}" for trouble in plan.troubles)
    tasks = ", ".join(work.task_id for work in plan.tasks)
    return (
        f"{name}: {because}\n  workers: {plan.workers}, tasks: {tasks}\n"
        f"  troubles that are needed:\n{troubles}\n"
        f"  the last lines before it:\n{lines}  replay: {command}\n"
    )
