"""What the report draws, before any browser: lanes, curves, distributions, tables."""

from __future__ import annotations

import random
import re

import msgspec
import pytest

from driver.metrics import measure
from driver.reference.report.curves import curves
from driver.reference.report.distributions import distributions
from driver.reference.report.lanes import worker_lanes
from driver.reference.report.tables import subject_tables
from driver.report.charts.bins import fitted, widths_ns
from driver.report.charts.distributions import POINTS
from driver.report.charts.lanes import CONNECTED, DOWN, FINEST, ONE_SIDED, Clock, Lane, thinned, timeline
from driver.report.charts.plot import Plot
from driver.report.html_page import Data, _inline_json
from driver.report.tables import Table
from tests.driver.judge.histories import Past, healthy_herd, ns, small
from wire import events as wire
from wire import task_events


def lane(past: Past, name: str) -> Lane:
    return next(lane for lane in timeline(past.history(), worker_lanes).lanes if lane.name == name)


def curve(past: Past, name: str) -> Plot:
    return next(plot for plot in curves(past.history()) if plot.name == name)


def table(past: Past, title: str) -> Table | None:
    history = past.history()
    return next((found for found in subject_tables(history, measure(history)) if found.title == title), None)


# -- lanes ------------------------------


def test_a_lane_is_connected_down_and_connected_again() -> None:
    past = Past(1)
    past.begin()
    past.cut("cut", 10, 5, back_s=1)
    past.end(30)
    states = [state for state in lane(past, "worker-1").states if state[1] - state[0] > 0.1]
    assert [state for _, _, state in states] == [DOWN, CONNECTED, DOWN, CONNECTED]
    assert states[2][:2] == pytest.approx((10.006, 15.995), abs=0.01)


def test_a_lane_shows_when_one_side_alone_has_the_connection() -> None:
    past = Past(1)
    past.begin()
    past.emit("worker-1", wire.ConnectionLost, 5, session="", kind="closed", detail="", silent_ms=0.0)
    past.connect("worker-1", 8, outcome="resumed", took_s=0.0)
    past.end(30)
    assert (5.0, 8.0, ONE_SIDED) in lane(past, "worker-1").states


def test_a_process_that_does_not_run_has_no_state() -> None:
    past = small()
    past.fault("kill-1", "kill", ["worker-1"], 8, 2)
    past.start("worker-1", 12)
    past.connect("worker-1", 12.5)
    states = lane(past, "worker-1").states
    assert not any(begin < 11.9 and end > 8.1 and state == CONNECTED for begin, end, state in states)


def test_a_note_has_the_parts_of_the_reconnection_and_its_line() -> None:
    past = Past(1)
    past.begin()
    past.cut("cut", 10, 5, back_s=1)
    past.end(30)
    (note,) = lane(past, "worker-1").notes
    assert (note.from_s, note.back_s, note.attempts, note.kind) == (10.0, 16.0, 2, "closed")
    assert sum(part or 0 for part in note.parts_s) == pytest.approx(6.0)
    assert re.fullmatch(r"worker-1\.jsonl:\d+", note.where)


def test_work_that_follows_closely_is_drawn_as_one() -> None:
    busy = lane(small(), "worker-1").busy
    assert 0 < len(busy) <= FINEST
    assert all(begin < end for begin, end in busy)


def test_instants_closer_than_a_picture_can_show_are_drawn_once() -> None:
    assert thinned([0, 1, 5, 9, 10, 30], 5) == [0, 5, 10, 30]


def test_a_fault_at_the_coordinator_lies_over_its_lane_and_one_at_toxiproxy_over_all_workers() -> None:
    past = Past(2)
    past.begin()
    past.fault("one", "kill", ["coordinator"], 5, 1)
    past.fault("two", "restart", ["toxiproxy"], 8, 1)
    past.fault("three", "refuse", ["worker-2"], 11, 1)
    past.end(20)
    assert [band.lanes for band in timeline(past.history(), worker_lanes).bands] == [[0], [1, 2], [2]]


def test_a_coordinator_that_was_away_shows_it() -> None:
    past = small()
    past.fault("kill-1", "kill", ["coordinator"], 10, 2)
    past.start("coordinator", 12, role="coordinator")
    assert [state for _, _, state in lane(past, "coordinator").states] == [CONNECTED, CONNECTED, DOWN]


# -- curves and distributions ------------------------------


def test_a_short_dip_is_not_lost_between_two_points() -> None:
    past = Past(4)
    past.begin()
    past.lose("worker-1", 10.51)
    past.connect("worker-1", 10.53, outcome="resumed")
    past.end(400)
    plot = curve(past, "connected")
    assert min(y for x, y in zip(plot.x, plot.series[0].y, strict=True) if y is not None and 9 < x < 12) == 3
    assert len(plot.x) <= 901


def counted_in(past: Past, instants_s: list[float]) -> float:
    """How wide the bins of some instants are."""
    return fitted(Clock(past.history()), [ns(at_s) for at_s in instants_s]).seconds


def test_an_even_flow_is_drawn_in_wide_bins_and_a_burst_in_narrow_ones() -> None:
    past = Past(1)
    past.begin()
    past.end(100)
    draw = random.Random(1)
    even = [draw.uniform(0, 100) for _ in range(2000)]
    burst = [*even[:200], *(draw.uniform(50, 50.5) for _ in range(200))]
    assert counted_in(past, even) == max(widths_s(past))
    assert counted_in(past, burst) <= 0.5 < counted_in(past, even)


def widths_s(past: Past) -> list[float]:
    return [width_ns / 1e9 for width_ns in widths_ns(Clock(past.history()))]


def test_bins_are_round_and_no_narrower_than_a_pixel_whatever_they_hold() -> None:
    past = Past(1)
    past.begin()
    past.end(100)
    assert widths_s(past) == [0.2, 0.5, 1.0]
    for instants in ([], [50.0], [50.0] * 100):
        assert counted_in(past, instants) in widths_s(past)


def test_rates_add_up_to_what_there_was() -> None:
    plot = curve(small(), "tasks")
    step_s = plot.x[1] - plot.x[0]
    due, completed = plot.series
    assert sum(y or 0 for y in due.y) * step_s == pytest.approx(40)
    assert sum(y or 0 for y in completed.y) * step_s == pytest.approx(40)


def test_plots_without_numbers_are_left_out() -> None:
    assert {plot.name for plot in curves(Past(0).history())} <= {"connected", "attempts", "tasks"}
    assert distributions(Past(0).history()) == []


def test_a_distribution_climbs_from_none_to_all() -> None:
    plot = next(
        plot for plot in distributions(healthy_herd().history()) if plot.name == "latency-distribution"
    )
    for series in plot.series:
        shares = [y for y in series.y if y is not None]
        assert series.x == sorted(series.x)
        assert shares == sorted(shares)
        assert shares[-1] == 1
        assert len(shares) <= POINTS


# -- tables ------------------------------


def test_a_herd_has_a_row_for_each_storm() -> None:
    found = table(healthy_herd(workers=4, rounds=2), "The herd")
    assert found is not None
    assert [row[:4] for row in found.rows] == [("herd-1", "4", "8", "2 ×"), ("herd-2", "4", "8", "2 ×")]


def test_a_load_that_rises_beyond_what_is_kept_up_shows_its_knee() -> None:
    past = Past(1)
    past.begin()
    for second in range(2, 20):
        for number in range(second):
            late_s = 0.1 if second < 10 else 30.0
            past.run_task(f"t-{second}-{number}", "worker-1", second + number / 50, takes_s=late_s)
    past.end(80)
    found = table(past, "The load")
    assert found is not None
    assert found.rows[0][2] == "100 %"
    assert found.rows[-1][2] == "0 %"


def test_what_a_fault_does_to_a_load_is_no_knee() -> None:
    past = healthy_herd(workers=2, rounds=2)
    for number in range(60):
        past.run_task(f"late-{number}", "worker-1", 12.1 + number * 0.05, takes_s=9)
    assert table(past, "The load") is None


def test_an_even_load_has_no_knee_to_show() -> None:
    assert table(small(), "The load") is None


def test_priorities_are_compared_where_there_are_several() -> None:
    past = small()
    past.run_task("urgent", "worker-1", 8, priority="high")
    found = table(past, "Priorities")
    assert found is not None
    assert [row[0] for row in found.rows] == ["high", "normal"]
    assert table(small(), "Priorities") is None


def test_checkpoints_are_summed_up_where_there_are_any() -> None:
    past = small()
    past.emit("worker-1", task_events.CheckpointCreated, 7.2, task="c", token=1, step=3, size_bytes=2048)
    found = table(past, "Checkpoints")
    assert found is not None
    assert found.rows[0][0] == "1"
    assert "2 KiB" in found.rows[0]


# -- the page's data ------------------------------


def test_data_cannot_end_its_element() -> None:
    past = healthy_herd(workers=1, rounds=1)
    past.fault("</script><b>\u2028é", "x", ["worker-1"], 21, 1)
    history = past.history()
    text = str(
        _inline_json(Data(timeline(history, worker_lanes), curves(history), distributions(history), []))
    )
    assert "<" not in text
    assert text.isascii()
    assert "</script><b>\u2028é" in [band["fault"] for band in msgspec.json.decode(text)["timeline"]["bands"]]
