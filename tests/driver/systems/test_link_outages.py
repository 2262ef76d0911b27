"""The list of outages of a system's links, from the journals of its doors."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from driver.cli.link_outages import outage_rows, show_outages
from driver.histories.link_events import LinesOmitted
from tests.driver.judge.door_journal import LINK, PROCESS, RAW, DoorPast
from tests.driver.judge.histories import ns
from tests.driver.judge.test_link_history import cut


def test_an_outage_has_its_phases() -> None:
    (row,) = outage_rows(cut().history([]), ns(18.501))
    assert (row.link, row.how, row.fault) == (LINK, "closed", "refuse")
    assert (row.attempts, row.failed_attempts) == (3, 2)
    assert row.lost_ago_s == pytest.approx(13.5)
    assert row.detected_s == pytest.approx(0.001)
    assert row.back_s == pytest.approx(3.502)
    assert row.waiting_s is not None
    assert row.detected_s + row.waiting_s + row.failed_s + row.connecting_s == pytest.approx(row.back_s)


def test_an_outage_that_goes_on_is_not_back(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    past = DoorPast()
    past.named()
    past.carried(1.0, 5.0)
    folder = past.write(tmp_path / "lab")
    show_outages(folder, as_json=True)
    assert json.loads(capsys.readouterr().out)["outages"][0]["back_s"] is None
    show_outages(folder, as_json=False)
    assert "not back" in (shown := capsys.readouterr().out)
    assert shown.endswith("1 outage of 1 link, 1 not back.\n")


def test_a_link_whose_door_left_lines_out_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    past = cut()
    past.emit(PROCESS, LinesOmitted, 21.0, link=RAW, counts={"connection_ended": 3})
    show_outages(past.write(tmp_path / "lab"), as_json=False)
    assert capsys.readouterr().out == (
        f"No link lost its last connection.\nNot known, since too many lines came: {LINK}.\n"
    )
