"""Tasks: accepted, completed, failed, lost, and their latency from the intended start.

Where a plan's load may end early, tasks that are due after its least end are measured in no run of it: all
its runs measure the same tasks. Later ones may be neither lost nor counted twice, as any.
"""

from __future__ import annotations

from driver.histories.history import History
from driver.histories.refusals import refused
from driver.histories.run_timeline import run_timeline
from driver.metrics.metric import Better, Metric, MetricFamily, Unit, Values, distribution, ratio, summed_up
from driver.reference.task_history import TaskHistory, task_index
from wire.priority import Priority
from wire.task_events import Dropped, LeaseExpired, ResultRefused, TaskDone

_S = Unit.seconds
_LOWER = Better.lower
OF_MEASURED = ("task_", "tasks_submitted", "tasks_completed", "tasks_failed")
"""Begins of the names of metrics whose values are of the measured tasks and their results alone."""

METRICS = (
    Metric(
        "tasks_submitted",
        Unit.count,
        Better.neither,
        "different tasks that the coordinator recorded or acknowledged",
    ),
    Metric("tasks_refused", Unit.count, _LOWER, "tasks that the coordinator refused (a full queue)"),
    Metric(
        "tasks_completed",
        Unit.count,
        Better.higher,
        "tasks with a result, a success, recorded until the drain's end",
    ),
    Metric(
        "tasks_failed", Unit.count, _LOWER, "tasks with a result, a failure, recorded until the drain's end"
    ),
    Metric("tasks_lost", Unit.count, _LOWER, "tasks submitted without a result in the history"),
    Metric("tasks_duplicated", Unit.count, _LOWER, "results beyond one for each task"),
    Metric("task_success_rate", Unit.ratio, Better.higher, "tasks completed ÷ tasks submitted"),
    Metric(
        "task_throughput_per_s",
        Unit.per_second,
        Better.higher,
        "tasks completed ÷ seconds from the first submission to the last result",
    ),
    *distribution(
        "task_latency",
        _S,
        _LOWER,
        "the times from a task's intended start (of a late driver: from when it had the task ready) to its "
        "result",
    ),
    *distribution("task_queueing", _S, _LOWER, "the times from submission to the first assignment"),
    *distribution(
        "task_execution",
        _S,
        _LOWER,
        "the running times of the attempts with the result, on the worker's clock",
    ),
    *(
        metric
        for priority in Priority
        for metric in distribution(
            f"task_queueing_{priority.name}",
            _S,
            _LOWER,
            f"the times from submission to the first assignment, of priority {priority.name}",
        )
    ),
    Metric("task_attempts_mean", Unit.count, _LOWER, "assignments ÷ tasks that were assigned"),
    Metric("attempts_lost", Unit.count, _LOWER, "attempts that the coordinator declared lost"),
    Metric(
        "leases_expired", Unit.count, _LOWER, "attempts that a worker stopped because their lease expired"
    ),
    Metric("attempts_dropped", Unit.count, _LOWER, "attempts that a worker dropped: revoked or returned"),
    Metric(
        "results_refused",
        Unit.count,
        _LOWER,
        "results that were refused: duplicates, stale or unknown attempts",
    ),
)


def measure(history: History) -> Values:
    """Return the values of METRICS."""
    index = history.view(task_index)
    accepted = measured(history)
    # Tasks that end in the lab's own teardown are no part of the run.
    end_ns = history.view(run_timeline).end_ns
    ended = [task for task in accepted if task.result is not None and task.result.at_ns <= end_ns]
    results = [task.result for task in ended if task.result is not None]
    completed = sum(1 for result in results if result.outcome == "completed")
    attempts = [sum(1 for event in task.assigned if event.at_ns <= end_ns) for task in accepted]
    return {
        "tasks_submitted": len(accepted),
        "tasks_refused": index.refused,
        "tasks_completed": completed,
        "tasks_failed": len(results) - completed,
        "tasks_lost": sum(1 for task in index.accepted if task.result is None),
        "tasks_duplicated": sum(len(task.done) - 1 for task in index.accepted if task.done),
        "task_success_rate": ratio(completed, len(accepted)),
        "task_throughput_per_s": _throughput(accepted, results),
        **summed_up("task_latency", _S, latencies_s(ended)),
        **summed_up("task_queueing", _S, _queueing_s(accepted, end_ns)),
        **summed_up("task_execution", _S, [(r.ended_ns - r.started_ns) / 1e9 for r in results if r.ended_ns]),
        **_by_priority(accepted, end_ns),
        "task_attempts_mean": ratio(sum(attempts), sum(1 for count in attempts if count)),
        "attempts_lost": sum(1 for task in index.accepted for event in task.lost if event.at_ns <= end_ns),
        **{
            name: sum(1 for event in history.of(kind) if event.at_ns <= end_ns)
            for name, kind in (
                ("leases_expired", LeaseExpired),
                ("attempts_dropped", Dropped),
            )
        },
        "results_refused": refused(history, ResultRefused, end_ns),
    }


def measured(history: History) -> list[TaskHistory]:
    """Return the accepted tasks that were due while the load was measured."""
    until_ns = history.view(run_timeline).measured_until_ns
    return [
        one for one in history.view(task_index).accepted if until_ns is None or one.intended_ns <= until_ns
    ]


def all_have_results(history: History, name: str) -> bool:
    """Return whether a metric is one of the measured tasks alone, and each of them has its result."""
    return name.startswith(OF_MEASURED) and all(task.result is not None for task in measured(history))


def latencies_s(tasks: list[TaskHistory]) -> list[float]:
    """Return the seconds from start to result of the tasks that have both."""
    return [
        (task.result.at_ns - task.start_ns) / 1e9
        for task in tasks
        if task.result is not None and task.intended_ns
    ]


def _queueing_s(tasks: list[TaskHistory], end_ns: int) -> list[float]:
    return [
        (task.assigned[0].at_ns - task.submitted.at_ns) / 1e9
        for task in tasks
        if task.submitted and task.assigned and task.assigned[0].at_ns <= end_ns
    ]


def _by_priority(tasks: list[TaskHistory], end_ns: int) -> Values:
    groups: dict[str, list[TaskHistory]] = {priority.name: [] for priority in Priority}
    for task in tasks:
        if task.submitted and task.submitted.priority in groups:
            groups[task.submitted.priority].append(task)
    values: Values = {}
    for name, group in groups.items():
        values.update(summed_up(f"task_queueing_{name}", _S, _queueing_s(group, end_ns)))
    return values


def _throughput(tasks: list[TaskHistory], results: list[TaskDone]) -> float | None:
    begins = [(task.submitted or task.accepted) for task in tasks]
    first_ns = min((event.at_ns for event in begins if event), default=0)
    last_ns = max((result.at_ns for result in results), default=0)
    completed = sum(1 for result in results if result.outcome == "completed")
    return ratio(completed, (last_ns - first_ns) / 1e9) if last_ns > first_ns else None


BROKEN_BY = {
    "task_latency": ("result_late",),
    "task_execution": ("result_late",),
    "task_queueing": ("assignment_late",),
    "task_attempts": ("events_repeated",),
    "task_success": ("result_failed",),
    "task_throughput": ("result_failed",),
    "tasks_completed": ("result_failed",),
    "tasks_failed": ("result_failed",),
    "tasks_lost": ("result_forgotten",),
    "tasks_duplicated": ("result_repeated",),
    "tasks_submitted": ("task_claimed", "task_forgotten"),
    "tasks_refused": ("task_claimed",),
    "": ("refusals_claimed",),
}
FAMILY = MetricFamily("Tasks", METRICS, measure, rank=20, broken_by=BROKEN_BY, decided=all_have_results)
