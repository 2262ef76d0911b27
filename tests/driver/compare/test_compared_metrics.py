"""Claims about the figures of single workers, measured from the events inside a run."""

from __future__ import annotations

import pytest

from driver.compare.compared_metrics import BY_RUN
from driver.metrics.by_client import BACK_AFTER_HEAL, BY_CLIENT, LONGEST_WAIT, by_client
from tests.driver.judge.histories import Past, healthy_herd
from wire import events as wire


def past() -> Past:
    """Two workers; worker-1 is lost at 10 s and waits twice, the longer time 800 ms."""
    it = Past(2)
    it.begin()
    it.lose("worker-1", 10.0)
    for attempt, at_s, delay_ms in ((1, 10.1, 300.0), (2, 10.6, 800.0)):
        it.emit(
            "worker-1", wire.BackoffStarted, at_s, attempt=attempt, delay_ms=delay_ms, policy="full_jitter"
        )
        it.fail_to_connect("worker-1", at_s + 0.4, attempt)
    it.connect("worker-1", 12.0, "resumed", attempt=3)
    return it


def test_a_workers_longest_wait_is_what_its_policy_asked_for_in_an_outage() -> None:
    assert by_client(past().history())[LONGEST_WAIT.name] == {"worker-1": pytest.approx(0.8)}


def test_a_worker_counts_with_the_mean_over_its_outages() -> None:
    it = past()
    it.lose("worker-1", 20.0)
    it.connect("worker-1", 21.0, "resumed")
    found = by_client(it.history())
    assert found["attempts_per_reconnection_mean"] == {"worker-1": 2.0}
    assert found["reconnection_time_mean_s"]["worker-1"] == pytest.approx(1.5, abs=0.1)


def test_a_restart_of_a_process_is_no_way_back_of_a_policy() -> None:
    it = past()
    it.start("worker-1", 30.0)
    it.connect("worker-1", 39.0)
    assert by_client(it.history())["reconnection_time_mean_s"]["worker-1"] < 3.0


def test_the_time_back_counts_from_the_faults_end() -> None:
    found = by_client(healthy_herd().history())[BACK_AFTER_HEAL.name]
    assert set(found) == {"worker-1", "worker-2", "worker-3"}
    assert all(0 <= seconds < 3.0 for seconds in found.values())


def test_the_figures_of_workers_are_compared_between_groups_of_runs_as_well() -> None:
    assert BY_CLIENT.items() <= BY_RUN.items()
