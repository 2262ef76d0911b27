"""Workers start at the pace at which they connect; one that never does holds no other one back for long."""

from __future__ import annotations

from driver.labs.paced_start import ON_ITS_WAY_S, StartPace

NAMES = [f"worker-{index}" for index in range(1, 8)]


def test_no_more_are_on_their_way_than_may_be() -> None:
    pace = StartPace(NAMES, 3)
    assert pace.due((), 0.0) == NAMES[:3]
    assert pace.due((), 1.0) == []
    assert pace.due({"worker-2"}, 2.0) == ["worker-4"]
    assert pace.due({"worker-1", "worker-2", "worker-3"}, 3.0) == ["worker-5", "worker-6"]
    assert not pace.is_over
    assert pace.due(set(NAMES[:6]), 4.0) == ["worker-7"]
    assert pace.is_over


def test_workers_that_were_connected_before_count_for_nothing() -> None:
    pace = StartPace(NAMES[2:], 2)
    assert pace.due({"worker-1", "worker-2"}, 0.0) == ["worker-3", "worker-4"]


def test_one_that_does_not_connect_holds_no_other_back_after_its_time() -> None:
    pace = StartPace(NAMES, 1)
    assert pace.due((), 0.0) == ["worker-1"]
    assert pace.due((), ON_ITS_WAY_S - 0.1) == []
    assert pace.due((), ON_ITS_WAY_S) == ["worker-2"]


def test_without_workers_it_is_over_at_once() -> None:
    assert StartPace([], 1).is_over
