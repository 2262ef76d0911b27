"""junit.xml, as CI systems read it."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

from driver.judging.verdict import KnownFailure
from driver.report.write import JUNIT, write_report
from tests.driver.judge.histories import Past, healthy_herd

EXPECT = ["task_success_rate >= 90%", "reconnection_time_p99 <= 1s"]


def suite(past: Past, tmp_path: Path, **record: object) -> ElementTree.Element:
    folder = past.write(tmp_path / "run", EXPECT, **record)
    write_report(folder)
    return ElementTree.parse(folder / JUNIT).getroot()


def test_every_finding_is_a_case_and_a_failed_one_a_failure(tmp_path: Path) -> None:
    root = suite(healthy_herd(), tmp_path)
    cases = {case.attrib["name"]: case for case in root.iter("testcase")}
    assert "nothing_lost" in cases
    assert len(cases) == int(root.attrib["tests"])
    assert root.attrib["failures"] == "1"
    failure = cases["reconnection_time_p99 <= 1s"].find("failure")
    assert failure is not None
    assert "reconnection_time_p99_s is 6 s" in failure.attrib["message"]


def test_an_unknown_finding_is_an_error_with_its_lines(tmp_path: Path) -> None:
    past = healthy_herd(rounds=1)
    past.fault("bare", "latency", ["worker-1"], 25, 1, cuts=False, proved=None)
    root = suite(past, tmp_path)
    assert root.attrib["errors"] == "1"
    (error,) = root.iter("error")
    assert "bare" in error.attrib["message"]
    assert "driver.jsonl:" in (error.text or "")


def test_a_declared_failure_is_skipped(tmp_path: Path) -> None:
    known = [KnownFailure(EXPECT[1], "the fault itself lasts longer")]
    root = suite(healthy_herd(), tmp_path, known_issues=known)
    assert (root.attrib["failures"], root.attrib["skipped"]) == ("0", "1")


def test_characters_that_xml_cannot_hold_do_not_break_it(tmp_path: Path) -> None:
    past = healthy_herd(rounds=1)
    past.fault("\x00\x1b<&\ufffe", "latency", ["worker-1"], 25, 1, cuts=False, proved=None)
    (error,) = suite(past, tmp_path, scenario="\x07bell").iter("error")
    assert "<&" in error.attrib["message"]
