"""Every time in a report counts from one zero: that of the scenario's times."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from driver.histories.events import ContainerExited, PhaseBegun
from driver.histories.run_timeline import run_timeline
from driver.metrics.metric import Unit
from driver.metrics.quantities import write
from driver.report.summary import summary
from driver.report.view import client_rows, fault_rows
from driver.report.write import write_report
from driver.results.judged_run import judge_run
from tests.driver.judge.histories import Past, ns

ZERO_S = 500.0
"""Seconds of this lab's start-up: an instant that counts from the first event differs by them."""
FROM_THE_FIRST_EVENT = re.compile(r"(?<![\d.,])5\d\d(\.\d+)? s\b|\b[89]\.\d+ min\b")


def past(*, dies: bool = True) -> Past:
    """A lab that comes up late; ten seconds later a worker is cut off, and another one's process ends."""
    found = Past(2)
    found.begin(zero_s=ZERO_S)
    found.flow(ZERO_S, ZERO_S + 9.5)
    found.cut("herd-1", ZERO_S + 10, 5.0, ["worker-1"])
    if dies:
        found.lose("worker-2", ZERO_S + 20)
        found.emit(
            "driver", ContainerExited, ZERO_S + 21, container="worker-2", exit_code=1, out_of_memory=False,
            planned=False, log=["it was too much"],
        )  # fmt: skip
    found.flow(ZERO_S + 30, ZERO_S + 40)
    found.end(ZERO_S + 60)
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("late") / "20261124T021500Z-herd"
    expect = ["reconnection_time_p99 <= 10ms", "within 5s of heal: connected >= 95% for 30s"]
    return write_report(past().write(path, expect)).parent


def test_what_a_scenario_asks_for_at_ten_seconds_is_shown_at_ten_seconds(folder: Path) -> None:
    assert [row.began_s for row in fault_rows(judge_run(folder))] == [10.0]


@pytest.mark.parametrize("report", ["report.md", "report.html", "junit.xml"])
def test_no_sentence_and_no_table_counts_from_the_first_event(folder: Path, report: str) -> None:
    run = judge_run(folder)
    text = (folder / report).read_text()
    took = write((run.history.end_ns - run.history.begin_ns) / 1e9, Unit.seconds)
    found = text.split('<script type="application/json"')[0].replace(took, "")
    assert FROM_THE_FIRST_EVENT.findall(found) == []
    assert "10 s" in text or "10.0" in text


def test_the_first_screens_sentences_count_from_it_too(tmp_path: Path) -> None:
    run = judge_run(
        past(dies=False).write(tmp_path / "20261124T021500Z-herd", ["reconnection_time_p99 <= 1ms"])
    )
    assert "from 10.0 s" in summary(run, [])[1].text


def test_how_long_a_worker_was_connected_is_a_share_of_the_time_since_it(folder: Path) -> None:
    # One of 60 s away, of which 500 s before the zero are no part.
    assert client_rows(judge_run(folder))[0].connected == "90.0 %"


def test_no_line_of_the_evidence_does(folder: Path) -> None:
    lines = [line for finding in judge_run(folder).verdict.findings for line in finding.evidence]
    assert lines
    assert max(line.at_s for line in lines) < 70
    assert min(line.at_s for line in lines) == pytest.approx(10.005)
    assert not any(str(ns(0))[:6] in line.text for line in lines)


def test_no_axis_of_a_picture_does(folder: Path) -> None:
    data = _drawn(folder)
    (band,) = data["timeline"]["bands"]
    assert (band["from_s"], band["to_s"]) == (10.0, 15.0)
    assert [note["from_s"] for lane in data["timeline"]["lanes"] for note in lane["notes"]] == [10.0, 20.0]
    assert max(_times(data)) < 70
    assert min(_times(data)) == pytest.approx(-ZERO_S, abs=10)


def _drawn(folder: Path) -> Any:
    text = (folder / "report.html").read_text().partition('id="run-data">')[2].partition("</script>")[0]
    return json.loads(text)


def _times(data: Any) -> Iterator[float]:
    lanes = data["timeline"]["lanes"]
    yield from (at for lane in lanes for state in lane["states"] for at in state[:2])
    yield from (at for plot in data["curves"] for at in plot["x"])


def test_the_bins_of_a_curve_begin_at_the_zero(folder: Path) -> None:
    assert all(0 in plot["x"] for plot in _drawn(folder)["curves"])


def test_where_the_steady_state_came_late_all_counts_from_when_the_faults_do() -> None:
    late = Past(1)
    late.begin(zero_s=2.0)
    late.phase("timeline", 6, 30, zero_s=5.0)
    late.fault("cut-1", "refuse", ["worker-1"], 15, 5)
    run = late.history().view(run_timeline)
    assert run.at_s(run.faults[0].began_ns) == 10.0


def test_a_history_that_does_not_say_its_zero_counts_from_its_gate_and_without_one_from_its_begin() -> None:
    old = past()
    begun = [line for line in old.lines["driver"] if isinstance(line, PhaseBegun)]
    gate = next(line for line in begun if line.phase == "gate")
    old.lines["driver"].remove(gate)
    assert old.history().view(run_timeline).zero_ns == old.history().begin_ns
    old.phase("gate", 4.0, 5.0)
    assert old.history().view(run_timeline).zero_ns == ns(4.0)
