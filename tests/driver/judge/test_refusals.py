"""Refusals without an event of their own count in every figure, and fail no worker."""

from __future__ import annotations

import pytest

from driver.checks.finding import Status
from driver.histories.refusals import refused
from driver.metrics import connection
from driver.reference.metrics import checkpoints, messages, tasks
from tests.driver.judge.findings import found
from tests.driver.judge.histories import small
from wire import events as wire
from wire import task_events


@pytest.mark.parametrize(
    ("metric", "module", "kind"),
    [
        ("frames_refused", messages, "frame_refused"),
        ("handshakes_refused", connection, "handshake_refused"),
        ("results_refused", tasks, "result_refused"),
        ("checkpoints_refused", checkpoints, "checkpoint_refused"),
    ],
)
def test_refusals_without_a_line_count(metric: str, module: object, kind: str) -> None:
    past = small()
    past.emit("coordinator", wire.RefusalsOmitted, 3, kind=kind, worker="worker-1", cause="c", count=40)
    past.emit("coordinator", wire.RefusalsOmitted, 4, kind=kind, worker="", cause="c", count=2)
    assert module.measure(past.history())[metric] == 42  # type: ignore[attr-defined]


def test_other_kinds_of_refusals_do_not_count() -> None:
    past = small()
    past.emit("coordinator", wire.RefusalsOmitted, 3, kind="frame_refused", worker="w", cause="c", count=40)
    assert refused(past.history(), task_events.ResultRefused) == 0


@pytest.mark.parametrize(
    ("worker", "count", "status"),
    [
        ("worker-1", 1, Status.unknown),
        ("", 1, Status.unknown),
        ("worker-2", 9, Status.failed),
        ("worker-1", 0, Status.failed),
    ],
)
def test_a_result_that_may_be_among_the_omitted_has_not_vanished_for_certain(
    worker: str, count: int, status: Status
) -> None:
    past = small()
    past.emit("worker-1", task_events.Finished, 3.2, task="late", token=7, error="", took_ms=50.0)
    past.emit("worker-1", task_events.ResultAcknowledged, 3.4, task="late", token=7)
    past.emit(
        "coordinator", wire.RefusalsOmitted, 3.5, kind="result_refused", worker=worker, cause="stale",
        count=count,
    )  # fmt: skip
    assert found("acknowledged_results_stand", past).status is status
