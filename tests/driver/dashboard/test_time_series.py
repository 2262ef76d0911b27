"""Curves: a point a second, coarser where that gets long."""

from __future__ import annotations

from driver.dashboard.time_series import MAX_POINTS, TimeSeries


def second(tasks: float, connected: float) -> dict[str, float | None]:
    return {"tasks": tasks, "connected": connected}


def test_a_second_that_goes_on_replaces_its_own_point() -> None:
    series = TimeSeries()
    series.put(10.0, second(1, 5))
    series.put(10.0, second(3, 4))
    assert (series.columns["t"], series.columns["tasks"], series.columns["connected"]) == ([10.0], [3], [4])


def test_a_long_run_is_kept_whole_and_coarser() -> None:
    series = TimeSeries()
    for at in range(2 * MAX_POINTS):
        series.put(float(at), second(2, at))
    times = series.columns["t"]
    assert times[0] == 0.0
    assert len(times) <= MAX_POINTS
    assert set(series.columns["tasks"]) == {2}
    assert {len(column) for column in series.columns.values()} == {len(times)}


def test_a_rate_of_a_coarser_step_is_the_mean_of_its_seconds() -> None:
    series = TimeSeries()
    for at in range(MAX_POINTS + 1):
        series.put(float(at), second(0, 0))
    assert series.step_s == 2
    begin = float(MAX_POINTS + 2)
    series.put(begin, second(10, 7))
    series.put(begin + 1, second(2, 8))
    series.put(begin + 1, second(4, 9))
    assert (series.columns["tasks"][-1], series.columns["connected"][-1]) == (7, 9)
