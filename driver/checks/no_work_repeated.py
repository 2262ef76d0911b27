"""No attempt is run twice, none goes on once its task was given to somebody else, no result is told anew."""

from __future__ import annotations

from collections.abc import Sequence

from driver.checks.check import Check, Params
from driver.checks.finding import Finding, failed, passed, show, unknown
from driver.histories.history import COORDINATOR, History
from driver.histories.journal_gaps import WORKERS
from driver.histories.task_history import task_index
from driver.metrics import Metrics
from wire.events import Assigned, Event, Finished, ResultRefused, Started, WorkerJoined

NAME = "no_work_repeated"


def judge(history: History, metrics: Metrics, params: Params) -> Finding:
    """Work that is done again since its worker was lost is none: nobody could know that it had been done."""
    attempts = len(history.of(Started))
    if not attempts:
        return unknown(NAME, "no attempt was ever started")
    for repeated, what in (
        (_run_twice(history), "attempts were run twice"),
        (_outlived(history), "attempts went on although their task had been given to somebody else"),
        (_told_anew(history), "results came again as if they were new"),
    ):
        if repeated:
            because = (
                f"{len(repeated)} {what}: {getattr(repeated[0][-1], 'task', '')} on {_worker(repeated[0])}"
            )
            return failed(
                NAME,
                because,
                measured=len(repeated),
                threshold=0,
                margin=-len(repeated),
                evidence=show(history, repeated[0]),
            )
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
    """A lease ends at the worker before the coordinator gives the task to another one."""
    newest: dict[str, Assigned] = {}
    outlived: list[Sequence[Event]] = []
    for event in history.merged(Assigned, Finished):
        if isinstance(event, Assigned):
            newest[event.task] = event
        elif isinstance(event, Finished) and event.task in newest and newest[event.task].token > event.token:
            outlived.append((newest[event.task], event))
    return outlived


def _told_anew(history: History) -> list[Sequence[Event]]:
    """A session lets each message count once; only a worker whose session was reset cannot know."""
    resets_ns: dict[str, int] = {}
    for joined in history.of(WorkerJoined):
        if joined.outcome == "reset":
            resets_ns.setdefault(joined.worker, joined.at_ns)
    lives = history.view(task_index).tasks
    anew: list[Sequence[Event]] = []
    for refused in history.of(ResultRefused):
        done = lives[refused.task].result if refused.task in lives else None
        after_reset = refused.at_ns > resets_ns.get(refused.worker, refused.at_ns)
        if done is not None and done.token == refused.token and not after_reset:
            anew.append((done, refused))
    return anew


def _worker(events: Sequence[Event]) -> str:
    return str(getattr(events[-1], "worker", events[-1].by))


CHECK = Check(
    name=NAME,
    claims="No attempt was run twice, and none went on for a task that somebody else had been given.",
    judge=judge,
    rests_on=(COORDINATOR, WORKERS),
    always=True,
)
