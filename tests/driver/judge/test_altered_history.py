"""A changed copy of a history: what it shares with the original, and what it does not."""

from __future__ import annotations

import pytest

from driver.histories.history import ALL, SERVER, History
from driver.histories.run_timeline import run_timeline
from driver.metrics import measure, measure_on_demand
from driver.reference.task_history import task_index
from tests.driver.judge.histories import healthy_herd
from wire.events import Connected, WorkerJoined
from wire.task_events import TaskDone


@pytest.fixture
def history() -> History:
    return healthy_herd().history()


def test_a_copy_lacks_what_was_removed_by_kind_and_in_its_journal(history: History) -> None:
    gone = history.of(TaskDone)[3]
    copy = history.altered([gone], [])
    assert gone not in copy.of(TaskDone)
    assert gone not in copy.by(SERVER)
    assert len(copy.of(TaskDone)) == len(history.of(TaskDone)) - 1
    assert gone in history.of(TaskDone)
    assert gone in history.by(SERVER)


def test_what_is_added_stands_at_its_time_in_its_journal(history: History) -> None:
    early, late = history.of(TaskDone)[3:5]
    copy = history.altered([], [early])
    ordered = [event for event in copy.by(SERVER) if event in (early, late)]
    assert ordered == [early, early, late]


def test_lists_and_views_that_a_change_does_not_concern_are_shared(history: History) -> None:
    index, timeline = history.view(task_index), history.view(run_timeline)
    copy = history.altered([history.of(Connected)[-1]], [])
    assert copy.of(TaskDone) is history.of(TaskDone)
    assert copy.by(SERVER) is history.by(SERVER)
    assert copy.view(task_index) is index
    assert copy.view(run_timeline) is timeline
    assert history.altered([history.of(TaskDone)[0]], []).view(task_index) is not index


def test_a_view_of_the_whole_span_is_not_shared_when_the_span_changes(history: History) -> None:
    timeline = history.view(run_timeline)
    last = max((journal.events[-1] for journal in history.journals.values()), key=lambda one: one.at_ns)
    assert history.altered([last], []).view(run_timeline) is not timeline


def test_what_was_read_is_named_also_through_a_view_that_was_cached(history: History) -> None:
    history.view(task_index)
    _, reads = history.read_by(lambda one: (one.view(task_index), one.by("worker-1"), one.end_ns))
    assert {TaskDone, "worker-1", ALL} <= reads
    assert WorkerJoined not in reads


def test_metrics_on_demand_are_those_that_are_measured(history: History) -> None:
    values, lazy = measure(history).values, measure_on_demand(history).values
    assert {name: lazy[name] for name in values} == values
    assert lazy.get("no_metric") is None
