"""A run's folder: saved in three steps, judged again without Docker, as far as it goes."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import msgspec
import pytest

from driver.errors import LabError, UsageError
from driver.files import write_file
from driver.judging.verdict import KnownFailure, RunOutcome
from driver.report.write import write_report
from driver.results.judged_run import judge_run
from driver.results.run_folder import (
    METRICS,
    RUN,
    VERDICT,
    VerdictFile,
    point_latest,
    read_record,
    read_verdict,
)
from tests.driver.judge.histories import healthy_herd
from wire import events as wire

EXPECT = ["task_success_rate >= 90%", "within 15s of heal: connected >= 95% for 5s"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return healthy_herd().write(tmp_path / "results" / "20261124T021500Z-herd", EXPECT)


def test_a_healthy_herd_passes_and_is_saved(folder: Path) -> None:
    assert judge_run(folder).verdict.verdict is RunOutcome.passed
    stored = msgspec.json.decode((folder / VERDICT).read_bytes(), type=VerdictFile)
    assert stored.verdict == "passed"
    assert stored.exit_code == 0
    assert stored.metrics["reconnections"] == 6
    assert stored.metrics["reconnections_per_worker"] == {"worker-1": 2, "worker-2": 2, "worker-3": 2}
    assert msgspec.json.decode((folder / METRICS).read_bytes())["tasks_failed"] == 0


def test_a_run_judged_again_has_the_same_verdict(folder: Path) -> None:
    judge_run(folder)
    first = (folder / VERDICT).read_bytes()
    judge_run(folder)
    assert (folder / VERDICT).read_bytes() == first


def test_an_altered_journal_has_another_verdict(folder: Path) -> None:
    judge_run(folder)
    journal = folder / "journals" / "coordinator.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    results = [line for line in lines if b'"task_done"' in line]
    journal.write_bytes(b"".join(line for line in lines if line is not results[3]))
    assert judge_run(folder).verdict.verdict is RunOutcome.failed


def test_a_missing_journal_makes_a_run_inconclusive(folder: Path) -> None:
    (folder / "journals" / "worker-2.jsonl").unlink()
    verdict = judge_run(folder).verdict
    assert verdict.verdict is RunOutcome.inconclusive
    assert "worker-2" in verdict.because


@pytest.mark.parametrize("content", [None, b"", b"{}", b'{"run": 7}', b"\xff\xff", b"[]"])
def test_a_run_without_a_whole_record_is_judged_as_far_as_it_goes(
    folder: Path, content: bytes | None
) -> None:
    (folder / RUN).unlink()
    if content is not None:
        (folder / RUN).write_bytes(content)
    verdict = judge_run(folder).verdict
    assert verdict.verdict is RunOutcome.inconclusive
    assert RUN in verdict.because
    assert write_report(folder).exists()


def test_a_record_of_another_format_is_inconclusive_and_says_which(folder: Path) -> None:
    record, _ = read_record(folder)
    record.format = 99
    (folder / RUN).write_bytes(msgspec.json.encode(record))
    verdict = judge_run(folder).verdict
    assert verdict.verdict is RunOutcome.inconclusive
    assert "format 99" in verdict.because


def test_an_unknown_expectation_is_inconclusive(folder: Path) -> None:
    record, _ = read_record(folder)
    record.expect = ["mood >= 95%"]
    (folder / RUN).write_bytes(msgspec.json.encode(record))
    verdict = judge_run(folder).verdict
    assert verdict.verdict is RunOutcome.inconclusive
    assert "mood" in verdict.because


def test_a_known_issue_of_the_scenario_is_an_expected_failure(folder: Path) -> None:
    record, _ = read_record(folder)
    record.expect = ["reconnection_time_p99 <= 1s"]
    record.known_issues = [KnownFailure("reconnection_time_p99 <= 1s", "the fault itself lasts longer")]
    (folder / RUN).write_bytes(msgspec.json.encode(record))
    assert judge_run(folder).verdict.verdict is RunOutcome.expected_failure


def test_a_folder_that_is_none_is_wrong_use(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="expected the folder of a run"):
        judge_run(tmp_path / "nothing-here")


def test_latest_leads_to_the_newest_run(folder: Path) -> None:
    newer = folder.with_name("20261124T031500Z-herd")
    newer.mkdir()
    point_latest(newer)
    assert (folder.parent / "latest").resolve() == newer.resolve()
    assert not os.path.isabs(os.readlink(folder.parent / "latest"))


def test_a_stored_verdict_that_cannot_be_read_is_none(folder: Path) -> None:
    assert read_verdict(folder) is None
    (folder / VERDICT).write_bytes(b'{"run":')
    assert read_verdict(folder) is None
    judge_run(folder)
    stored = read_verdict(folder)
    assert stored is not None
    assert stored.scenario == "herd"


def test_a_full_disk_is_a_sentence_and_keeps_what_was_there(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    judge_run(folder)
    before = (folder / VERDICT).read_bytes()

    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(LabError, match=r"No space left on device\..*What was collected before is kept"):
        write_file(folder / VERDICT, b"new")
    assert (folder / VERDICT).read_bytes() == before
    assert [path.name for path in folder.glob(".*")] == []


def test_what_is_derived_for_reports_comes_with_the_verdict(folder: Path) -> None:
    run = judge_run(folder)
    assert run.record.scenario == "herd"
    assert run.history.of(wire.Connected)
    assert run.metrics.values["tasks_lost"] == 0
