"""Tasks: what was promised, what came of it, and how long it took. Latency counts from the intended start."""

from __future__ import annotations

from driver.histories.history import History
from driver.histories.refusals import refused
from driver.histories.run_timeline import run_timeline
from driver.histories.task_history import TaskHistory, task_index
from driver.metrics.metric import Better, Metric, Unit, Values, distribution, ratio, summed_up
from wire.events import Dropped, LeaseExpired, ResultRefused, TaskDone
from wire.priority import Priority

_S = Unit.seconds
_LOWER = Better.lower

METRICS = (
    Metric(
        "tasks_submitted",
        Unit.count,
        Better.neither,
        "different tasks that the coordinator wrote down or said to hold",
    ),
    Metric("tasks_refused", Unit.count, _LOWER, "tasks that the coordinator did not take (a full queue)"),
    Metric(
        "tasks_completed",
        Unit.count,
        Better.higher,
        "tasks whose result, a success, counted until the drain was over",
    ),
    Metric(
        "tasks_failed", Unit.count, _LOWER, "tasks whose result, a failure, counted until the drain was over"
    ),
    Metric("tasks_lost", Unit.count, _LOWER, "tasks submitted for which the history shows no result"),
    Metric("tasks_duplicated", Unit.count, _LOWER, "results counted beyond one a task"),
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
        "the times from a task's intended start (where the driver itself was late: from when it had the task "
        "ready) to its counted result",
    ),
    *distribution("task_queueing", _S, _LOWER, "the times from submission to the first assignment"),
    *distribution(
        "task_execution", _S, _LOWER, "the running times of the attempts that counted, on the worker's clock"
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
    Metric("attempts_lost", Unit.count, _LOWER, "attempts that the coordinator gave up"),
    Metric(
        "leases_expired", Unit.count, _LOWER, "attempts that a worker stopped because their lease ran out"
    ),
    Metric(
        "attempts_dropped", Unit.count, _LOWER, "attempts that a worker let go of: revoked or handed back"
    ),
    Metric(
        "results_refused",
        Unit.count,
        _LOWER,
        "results that did not count: duplicates, stale or unknown attempts",
    ),
)


def measure(history: History) -> Values:
    """The values of METRICS."""
    book = history.view(task_index)
    promised = book.accepted
    # What the lab's own teardown does to tasks, or lets them finish, is no figure of the run.
    end_ns = history.view(run_timeline).end_ns
    ended = [life for life in promised if life.result is not None and life.result.at_ns <= end_ns]
    results = [life.result for life in ended if life.result is not None]
    completed = sum(1 for result in results if result.outcome == "completed")
    attempts = [sum(1 for event in life.assigned if event.at_ns <= end_ns) for life in promised]
    return {
        "tasks_submitted": len(promised),
        "tasks_refused": book.refused,
        "tasks_completed": completed,
        "tasks_failed": len(results) - completed,
        "tasks_lost": sum(1 for life in promised if life.result is None),
        "tasks_duplicated": sum(len(life.done) - 1 for life in promised if life.done),
        "task_success_rate": ratio(completed, len(promised)),
        "task_throughput_per_s": _throughput(promised, results),
        **summed_up("task_latency", _S, latencies_s(ended)),
        **summed_up("task_queueing", _S, _queueing_s(promised, end_ns)),
        **summed_up("task_execution", _S, [(r.ended_ns - r.started_ns) / 1e9 for r in results if r.ended_ns]),
        **_by_priority(promised, end_ns),
        "task_attempts_mean": ratio(sum(attempts), sum(1 for count in attempts if count)),
        "attempts_lost": sum(1 for life in promised for event in life.lost if event.at_ns <= end_ns),
        **{
            name: sum(1 for event in history.of(kind) if event.at_ns <= end_ns)
            for name, kind in (
                ("leases_expired", LeaseExpired),
                ("attempts_dropped", Dropped),
            )
        },
        "results_refused": refused(history, ResultRefused, end_ns),
    }


def latencies_s(lives: list[TaskHistory]) -> list[float]:
    """From start to counted result, of those that have both."""
    return [
        (life.result.at_ns - life.start_ns) / 1e9
        for life in lives
        if life.result is not None and life.intended_ns
    ]


def _queueing_s(lives: list[TaskHistory], end_ns: int) -> list[float]:
    return [
        (life.assigned[0].at_ns - life.submitted.at_ns) / 1e9
        for life in lives
        if life.submitted and life.assigned and life.assigned[0].at_ns <= end_ns
    ]


def _by_priority(lives: list[TaskHistory], end_ns: int) -> Values:
    groups: dict[str, list[TaskHistory]] = {priority.name: [] for priority in Priority}
    for life in lives:
        if life.submitted and life.submitted.priority in groups:
            groups[life.submitted.priority].append(life)
    values: Values = {}
    for name, group in groups.items():
        values.update(summed_up(f"task_queueing_{name}", _S, _queueing_s(group, end_ns)))
    return values


def _throughput(lives: list[TaskHistory], results: list[TaskDone]) -> float | None:
    begins = [(life.submitted or life.accepted) for life in lives]
    first_ns = min((event.at_ns for event in begins if event), default=0)
    last_ns = max((result.at_ns for result in results), default=0)
    completed = sum(1 for result in results if result.outcome == "completed")
    return ratio(completed, (last_ns - first_ns) / 1e9) if last_ns > first_ns else None
