"""submitted = completed + failed + waiting + assigned, in every Totals event and at the end."""

from __future__ import annotations

from itertools import pairwise

from driver.checks.check import Check, Params, of_any_load
from driver.checks.finding import Finding, failed, passed, show, unknown, violated
from driver.histories.history import SERVER, History
from driver.metrics import Metrics
from driver.reference.load_events import LastState
from driver.reference.task_history import task_index
from driver.typed_json import decode_json
from wire.control import CoordinatorState
from wire.task_events import Totals

NAME = "books_balance"
_BESIDE_NS = 1_000_000_000


def judge(history: History, metrics: Metrics, params: Params) -> Finding:
    """Also: no count that can only grow shrinks, through restarts too; and the last agree with the events."""
    totals = history.of(Totals)
    if not totals:
        return unknown(NAME, "the coordinator recorded no totals")
    wrong = [
        total
        for total in totals
        if total.submitted != total.completed + total.failed + total.waiting + total.assigned
    ]
    if wrong:
        off = wrong[0].submitted - wrong[0].completed - wrong[0].failed - wrong[0].waiting - wrong[0].assigned
        because = f"{len(wrong)} of {len(totals)} totals do not balance: {off:+d} tasks in the first"
        return violated(NAME, because, off, show(history, wrong))
    for before, after in pairwise(totals):
        if any(getattr(after, name) < getattr(before, name) for name in ("submitted", "completed", "failed")):
            because = "a count that can only grow has shrunk"
            return failed(NAME, because, evidence=show(history, [before, after]))
    return _last(history, totals)


def _last(history: History, totals: list[Totals]) -> Finding:
    last = totals[-1]
    for name, (least, most) in _by_events(history, last.at_ns).items():
        count = getattr(last, name)
        if not least <= count <= most:
            off = count - most if count > most else count - least
            because = f"the last totals count {count} tasks {name}, the events {most if off > 0 else least}"
            return violated(NAME, because, off, show(history, [last]))
    for seen in history.of(LastState)[-1:]:
        counts = decode_json(seen.state, CoordinatorState).counts
        if counts.submitted != counts.completed + counts.failed + counts.waiting + counts.assigned:
            because = f"the coordinator's own last answer does not balance: {counts}"
            return failed(NAME, because, evidence=show(history, [seen]))
    because = f"{len(totals)} totals balance, and the last agree with the events: {last.submitted} submitted"
    return passed(NAME, because, measured=0, threshold=0, margin=0)


def _by_events(history: History, at_ns: int) -> dict[str, tuple[int, int]]:
    """Return the least and most tasks by the events, which may be recorded a moment beside the totals."""
    lives = history.view(task_index).tasks.values()
    submitted = [life.submitted.at_ns for life in lives if life.submitted]
    results = [life.result for life in lives if life.result]
    completed = [result.at_ns for result in results if result.outcome == "completed"]
    failures = [result.at_ns for result in results if result.outcome != "completed"]

    def span(instants_ns: list[int]) -> tuple[int, int]:
        least = sum(1 for instant_ns in instants_ns if instant_ns <= at_ns - _BESIDE_NS)
        return least, sum(1 for instant_ns in instants_ns if instant_ns <= at_ns + _BESIDE_NS)

    return {"submitted": span(submitted), "completed": span(completed), "failed": span(failures)}


CHECK = Check(
    name=NAME,
    rank=70,
    claim="submitted = completed + failed + waiting + assigned, at every instant and at the end.",
    judge=judge,
    broken_by=("totals_changed",),
    requires=(SERVER,),
    always=True,
    decided=of_any_load,
)
