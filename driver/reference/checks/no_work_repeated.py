"""No attempt runs twice, none goes on after its task is reassigned, no result is sent as a new one again."""

from __future__ import annotations

from collections.abc import Sequence

from driver.checks.check import Check, Params, of_any_load
from driver.checks.finding import Finding, passed, show, unknown, violated
from driver.histories.history import SERVER, History
from driver.histories.journal_gaps import CLIENTS
from driver.metrics import Metrics
from driver.reference.task_history import task_index
from wire.events import Event, WorkerJoined
from wire.task_events import Assigned, Finished, ResultRefused, Started

NAME = "no_work_repeated"


def judge(history: History, metrics: Metrics, params: Params) -> Finding:
    """Count repeated attempts. A task that is reassigned since its worker was lost is no repetition."""
    attempts = len(history.of(Started))
    if not attempts:
        return unknown(NAME, "no attempt was started")
    for repeated, what in (
        (_run_twice(history), "attempts were run twice"),
        (_outlived(history), "attempts went on although their task had been reassigned"),
        (_sent_again(history), "results came again as new ones"),
    ):
        if repeated:
            because = (
                f"{len(repeated)} {what}: {getattr(repeated[0][-1], 'task', '')} on {_worker(repeated[0])}"
            )
            return violated(NAME, because, len(repeated), show(history, repeated[0]))
    return passed(NAME, f"{attempts} attempts, each run once and in time", measured=0, threshold=0, margin=0)


def _run_twice(history: History) -> list[Sequence[Event]]:
    twice: list[Sequence[Event]] = []
    for events in (history.of(Started), history.of(Finished)):
        first: dict[tuple[str, int], Started | Finished] = {}
        for event in events:
            if (event.task, event.token) in first:
                twice.append((first[event.task, event.token], event))
            first.setdefault((event.task, event.token), event)
    return twice


def _outlived(history: History) -> list[Sequence[Event]]:
    """Return attempts that ended after reassignment: the worker's lease must expire before it."""
    newest: dict[str, Assigned] = {}
    outlived: list[Sequence[Event]] = []
    for event in history.merged(Assigned, Finished):
        if isinstance(event, Assigned):
            newest[event.task] = event
        elif isinstance(event, Finished) and event.task in newest and newest[event.task].token > event.token:
            outlived.append((newest[event.task], event))
    return outlived


def _sent_again(history: History) -> list[Sequence[Event]]:
    """Return results that were sent again although the session, which delivers once, was not reset."""
    resets_ns: dict[str, int] = {}
    for joined in history.of(WorkerJoined):
        if joined.outcome == "reset":
            resets_ns.setdefault(joined.worker, joined.at_ns)
    tasks = history.view(task_index).tasks
    again: list[Sequence[Event]] = []
    for refused in history.of(ResultRefused):
        done = tasks[refused.task].result if refused.task in tasks else None
        after_reset = refused.at_ns > resets_ns.get(refused.worker, refused.at_ns)
        if done is not None and done.token == refused.token and not after_reset:
            again.append((done, refused))
    return again


def _worker(events: Sequence[Event]) -> str:
    return str(getattr(events[-1], "worker", events[-1].by))


CHECK = Check(
    name=NAME,
    rank=90,
    claim="No attempt ran twice, and none went on after its task was reassigned.",
    judge=judge,
    broken_by=("attempt_repeated",),
    requires=(SERVER, CLIENTS),
    always=True,
    decided=of_any_load,
)
