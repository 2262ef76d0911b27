"""The report of a run on a foreign system: its words, the lanes of its links, its curves and tables."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from driver.forensics.analysis import analyse
from driver.histories.events import ContainerChange, ReportNote
from driver.histories.system_events import OK, UNKNOWN, Operation, Reading
from driver.histories.system_history import with_links
from driver.judging.verdict import judge
from driver.metrics import measure
from driver.report.charts.lanes import CONNECTED, DOWN, Timeline, timeline
from driver.report.forensics_section import forensics_section
from driver.report.html_page import render_html
from driver.report.markdown import render_markdown
from driver.report.subject_choice import subject_of
from driver.report.view import client_rows, fault_rows
from driver.results.judged_run import JudgedRun
from driver.results.run_folder import RunRecord
from tests.driver.judge.door_journal import LINK, DoorPast
from tests.driver.judge.histories import ns
from tests.driver.judge.test_link_history import cut

HOSTILE = "<img src=x onerror=alert(1)>"


def run_of(past: DoorPast) -> JudgedRun:
    """A judged run in whose history links are in the place of workers."""
    history = with_links(past.history([]), ["api[1]", "db[1]"])
    record = RunRecord(run="r", scenario="votes", seed=1, clients=[], processes=[], duration_s=20.0)
    return JudgedRun(Path("r"), record, history, measure(history), judge([], [], []))


def operated(past: DoorPast) -> DoorPast:
    """Ten operations a second, which are unknown while a fault is on."""
    for number in range(200):
        at_s = number / 10
        outcome = UNKNOWN if 5 <= at_s < 8 else OK
        times = {"due_ns": ns(at_s), "call_ns": ns(at_s), "return_ns": ns(at_s + 0.02)}
        past.emit(
            "load", Operation, at_s + 0.02,
            load="votes", op="POST", key=str(number), value=None, outcome=outcome, **times,
        )  # fmt: skip
        past.emit("observer", Reading, at_s, name="queue", moment="during", asked_ns=ns(at_s), number=at_s)
    return past


def shown(run: JudgedRun) -> Timeline:
    return timeline(run.history, subject_of(run.history).lanes)


def test_a_link_has_a_lane_that_is_down_from_the_break_to_the_return() -> None:
    (lane,) = shown(run_of(cut())).lanes
    states = {state: [(begin, end) for begin, end, one in lane.states if one == state] for state in (1, 3)}
    assert lane.name == LINK
    assert states[CONNECTED] == [(1.002, 5.001), (8.502, 20.0)]
    assert states[DOWN] == [(5.001, 8.502)]
    assert lane.attempts == [0.999, 5.999, 6.999, 8.499]
    assert [note.attempts for note in lane.notes] == [3]


def test_links_of_a_pair_are_beside_each_other_in_the_order_of_their_replicas() -> None:
    past = DoorPast()
    for raw, link in (("a", "api[10]->db:5432"), ("b", "job[1]->db:5432"), ("c", "api[9]->db:5432")):
        past.named(0.1, raw, link)
        past.carried(1.0, 9.0, "client", link=raw)
    names = [lane.name for lane in shown(run_of(past)).lanes]
    assert names == ["api[9]->db:5432", "api[10]->db:5432", "job[1]->db:5432"]


def test_a_container_that_ended_has_a_lane_and_its_fault_is_on_its_links_too() -> None:
    past = cut()
    past.fault("kill", "kill", ["db[1]"], 10.0, 2.0)
    for at_s, status in ((0.5, "running"), (10.0, "exited"), (12.0, "running")):
        past.emit(
            "driver", ContainerChange, at_s, container="db[1]", asked_ns=ns(at_s), status=status,
            exit_code=-1, out_of_memory=False, plugged=True, cpus=None, memory_bytes=0,
        )  # fmt: skip
    found = shown(run_of(past))
    assert [lane.name for lane in found.lanes] == ["db[1]", LINK]
    assert (10.0, 12.0, DOWN) in found.lanes[0].states
    assert [band.lanes for band in found.bands] == [[1], [0, 1]]


def test_operations_and_observations_have_curves_where_there_are_any() -> None:
    with_load, without = run_of(operated(cut())).history, run_of(cut()).history
    names = {plot.name for plot in subject_of(with_load).curves(with_load)}
    assert {"connected", "attempts", "bytes", "operations", "operation-latency", "observed-queue"} <= names
    assert {plot.name for plot in subject_of(without).curves(without)} == {"connected", "attempts", "bytes"}
    (operations,) = (plot for plot in subject_of(with_load).curves(with_load) if plot.name == "operations")
    assert [line.label for line in operations.series] == ["ok", "unknown"]


def test_a_fault_has_the_rates_of_ok_operations_around_it() -> None:
    (row,) = fault_rows(run_of(operated(cut())))
    assert row.rates == "10.0 → 0.0 → 10.0"


def test_the_bytes_of_a_pair_are_counted_once() -> None:
    past = cut()
    past.emit("driver", ReportNote, 25.0, level="info", text="still here")
    history = run_of(past).history
    (moved,) = (plot for plot in subject_of(history).curves(history) if plot.name == "bytes")
    seconds = moved.x[1] - moved.x[0]
    total = sum(value or 0 for value in moved.series[0].y) * seconds * 1e3
    assert moved.series[0].label == "api->db:5432"
    assert total == pytest.approx(40)


def test_a_row_has_the_bytes_that_a_link_carried() -> None:
    (row,) = client_rows(run_of(cut()))
    assert (row.name, row.reconnections, row.last) == (LINK, 1, "40 B")


def test_forensics_of_links_speak_of_clients_and_servers() -> None:
    section = forensics_section(analyse(run_of(cut()).history))
    assert [side for side, *_ in section.noticed] == ["the client", "the server"]
    assert section.disagreements_say.startswith("No link was connected for one side alone")


@pytest.mark.parametrize("render", [render_html, render_markdown])
def test_a_report_of_links_speaks_of_no_worker_task_or_coordinator(
    render: object,
) -> None:
    text = render(run_of(operated(cut())))  # type: ignore[operator]
    # Scripts, styles and names of metrics are the same for all; a metric's own text says what it counts.
    text = re.sub(r"(?s)<script.*?</script>|<style>.*?</style>|<code>.*?</tr>|\| `.*?\n", "", text)
    assert re.findall(r"(?i)\b(?:workers?|tasks?|fleet)\b", text) == []
    assert "5 links" not in text
    assert "1 link ran for" in text


def test_hostile_names_are_escaped() -> None:
    past = DoorPast()
    past.named(0.1, "raw", f"{HOSTILE}[1]->{HOSTILE}:5432")
    past.fault("cut", "refuse", [f"{HOSTILE}[1]->{HOSTILE}:5432"], 5.0, 3.0)
    past.carried(1.0, 5.0, link="raw")
    page = render_html(run_of(operated(past)))
    assert HOSTILE not in page
    assert "&lt;img src=x" in page


def test_a_fault_on_a_container_without_a_lane_of_its_own_is_on_its_links() -> None:
    """A container that ran all the time has no lane."""
    past = cut()
    past.fault("restart-1", "restart", ["db[1]"], 15.0, 0.5)
    (_, band) = shown(run_of(past)).bands
    assert (band.kind, band.lanes) == ("restart", [0])
