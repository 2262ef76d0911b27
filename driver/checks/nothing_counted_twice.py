"""No task has two results, and no result is of a task that nobody submitted."""

from __future__ import annotations

from driver.checks.check import Check, Params
from driver.checks.finding import Finding, failed, passed, show, unknown
from driver.histories.history import COORDINATOR, DRIVER, History
from driver.histories.task_history import task_index
from driver.metrics import Metrics

NAME = "nothing_counted_twice"


def judge(history: History, metrics: Metrics, params: Params) -> Finding:
    """Counts the lines that count a result; the same one told again after a restart stands once."""
    book = history.view(task_index)
    twice = [life for life in book.tasks.values() if len(life.done) > 1]
    if twice:
        because = (
            f"{len(twice)} tasks have more than one counted result: {twice[0].task} has {len(twice[0].done)}"
        )
        return failed(
            NAME,
            because,
            measured=len(twice),
            threshold=0,
            margin=-len(twice),
            evidence=show(history, twice[0].done),
        )
    unasked = [
        life
        for life in book.tasks.values()
        if life.done and not life.was_accepted and life.task not in book.unanswered
    ]
    if unasked:
        because = f"{len(unasked)} results are of tasks that nobody submitted: {unasked[0].task}"
        return failed(
            NAME,
            because,
            measured=len(unasked),
            threshold=0,
            margin=-len(unasked),
            evidence=show(history, unasked[0].done),
        )
    results = sum(1 for life in book.tasks.values() if life.done)
    if not results:
        return unknown(NAME, "no result was counted at all")
    return passed(NAME, f"{results} results, each of a task of its own", measured=0, threshold=0, margin=0)


CHECK = Check(
    name=NAME,
    claims="No task's result was counted twice.",
    judge=judge,
    rests_on=(COORDINATOR, DRIVER),
    always=True,
)
