"""Tasks were submitted faster than they were done, outside faults too."""

from __future__ import annotations

from driver.histories.history import History
from driver.histories.run_timeline import run_timeline
from driver.metrics import Metrics
from driver.reference.advice.advice import figure
from driver.report.advice import Advice, Adviser, Findings

LEAST = 0.75


def advise(history: History, metrics: Metrics, findings: Findings) -> Advice | None:
    run = history.view(run_timeline)
    throughput_per_s, submitted = metrics.values["task_throughput_per_s"], metrics.values["tasks_submitted"]
    if run.first_load_ns is None or run.last_load_ns is None or not throughput_per_s or not submitted:
        return None
    seconds = (run.last_load_ns - run.first_load_ns) / 1e9
    if seconds <= 0 or throughput_per_s >= LEAST * submitted / seconds:
        return None
    return Advice(
        "flood_not_kept_up",
        "Add workers or slots, or offer less.",
        f"{submitted / seconds:.1f} tasks a second were offered, and "
        f"{figure(metrics, 'task_throughput_per_s')} done; "
        f"the slowest waited {figure(metrics, 'task_queueing_max_s')} to be given out.",
        f"The same load needs about {submitted / seconds / throughput_per_s:.1f} times as many slots.",
        ("task_throughput_per_s", "task_queueing_max_s"),
    )


ADVISER = Adviser(rank=100, advise=advise)
