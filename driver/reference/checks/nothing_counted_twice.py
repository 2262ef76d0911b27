"""No task has two results, and no result is of a task that was not submitted."""

from __future__ import annotations

from driver.checks.check import Check, Params, of_any_load
from driver.checks.finding import Finding, passed, show, unknown, violated
from driver.histories.history import DRIVER, SERVER, History
from driver.metrics import Metrics
from driver.reference.task_history import task_index

NAME = "nothing_counted_twice"


def judge(history: History, metrics: Metrics, params: Params) -> Finding:
    """Count recorded results; one that is recorded again after a restart counts once."""
    index = history.view(task_index)
    twice = [task for task in index.tasks.values() if len(task.done) > 1]
    if twice:
        because = f"{len(twice)} tasks have more than one result: {twice[0].task} has {len(twice[0].done)}"
        return violated(NAME, because, len(twice), show(history, twice[0].done))
    unsubmitted = [
        task
        for task in index.tasks.values()
        if task.done and not task.was_accepted and task.task not in index.unanswered
    ]
    if unsubmitted:
        because = f"{len(unsubmitted)} results are of tasks that were not submitted: {unsubmitted[0].task}"
        return violated(NAME, because, len(unsubmitted), show(history, unsubmitted[0].done))
    results = sum(1 for task in index.tasks.values() if task.done)
    if not results:
        return unknown(NAME, "no result was recorded")
    return passed(NAME, f"{results} results, each of a different task", measured=0, threshold=0, margin=0)


CHECK = Check(
    name=NAME,
    rank=60,
    claim="No task has two results.",
    judge=judge,
    broken_by=("result_repeated",),
    requires=(SERVER, DRIVER),
    always=True,
    decided=of_any_load,
)
