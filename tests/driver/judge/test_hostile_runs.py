"""Whatever a run's folder holds, judging it ends: inconclusive, with the file or the line named."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from driver.cli.main import run
from driver.errors import UsageError
from driver.exit_codes import ExitCode
from driver.judging.verdict import RunOutcome, Verdict
from driver.results.group_file import GroupFile, GroupRun, read_group, save_group, summed_up
from driver.results.judged_run import judge_run
from driver.results.run_folder import VERDICT, RunRecord, read_verdict
from tests.driver.judge.histories import healthy_herd

DEEP = b"[" * 200_000
GARBAGE = {
    "deep list": DEEP,
    "deep mapping": b'{"event":' * 50_000,
    "binary": bytes(range(256)) * 100,
    "no UTF-8": b'{"event": "\xff"}',
    "another kind": b"[1, 2, 3]",
    "a number": b"1e999",
    "cut short": b'{"run": "a", "scen',
    "empty": b"",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return healthy_herd().write(tmp_path / "results" / "20261124T021500Z-herd", ["task_success_rate >= 90%"])


def _because(verdict: Verdict) -> str:
    return " ".join(finding.because for finding in verdict.findings)


def test_a_deep_line_in_a_journal_is_named_and_nothing_is_proved(folder: Path) -> None:
    journal = folder / "journals" / "worker-1.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join([*lines[:5], DEEP + b"\n", *lines[5:]]))
    verdict = judge_run(folder).verdict
    assert verdict.verdict is RunOutcome.inconclusive
    assert "worker-1" in _because(verdict)
    assert "line 6" in _because(verdict)


@pytest.mark.parametrize("garbage", GARBAGE.values(), ids=GARBAGE)
def test_garbage_in_run_json_is_named_and_nothing_is_proved(folder: Path, garbage: bytes) -> None:
    (folder / "run.json").write_bytes(garbage)
    verdict = judge_run(folder).verdict
    assert verdict.verdict is RunOutcome.inconclusive
    assert "run.json" in verdict.because


def test_a_run_json_of_many_gigabytes_is_not_read(folder: Path) -> None:
    with (folder / "run.json").open("wb") as file:
        file.truncate(6 << 30)
    assert "expected at most" in judge_run(folder).verdict.because


@pytest.mark.parametrize("name", ["verdict.json", "metrics.json", "scenario.yaml", "plan.json", "group.json"])
@pytest.mark.parametrize("garbage", [DEEP, bytes(range(256))], ids=["deep", "binary"])
def test_garbage_in_what_others_wrote_about_a_run_ends_no_command(
    folder: Path, name: str, garbage: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / name).write_bytes(garbage)
    codes = [run(words) for words in (["judge", str(folder)], ["compare", str(folder), str(folder)])]
    assert codes[0] == ExitCode.PASSED
    assert ExitCode.LAB_BROKE not in codes
    if name == "plan.json":
        assert run(["replay", str(folder)]) == ExitCode.WRONG_USE
    assert "bug" not in capsys.readouterr().err


@pytest.mark.parametrize("where", ["coordinator", "worker-1", "driver"])
@pytest.mark.parametrize("garbage", GARBAGE.values(), ids=GARBAGE)
def test_garbage_in_a_journal_never_passes(folder: Path, where: str, garbage: bytes) -> None:
    (folder / "journals" / f"{where}.jsonl").write_bytes(garbage)
    verdict = judge_run(folder).verdict
    assert verdict.verdict is not RunOutcome.passed
    assert read_verdict(folder) is not None


def test_a_folder_without_a_run_is_refused_and_left_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(UsageError, match="holds no run"):
        judge_run(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_a_folder_of_a_matrix_is_judged_run_by_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    group = tmp_path / "20261124T021500Z-herd"
    one = healthy_herd().write(group / "20261124T021501Z-herd", ["task_success_rate >= 90%"])
    kept = GroupRun(
        label="a=1", round=1, seed=1, variables={"a": 1}, folder=one.name,
        verdict=RunOutcome.failed, because="it was judged by an older lab",
    )  # fmt: skip
    save_group(group, summed_up(group, "herd", [kept], 1))
    assert run(["judge", str(group)]) == ExitCode.PASSED
    assert not (group / VERDICT).exists(), "the group is no run, and has no verdict of one"
    again = read_group(group)
    assert isinstance(again, GroupFile)
    assert (again.verdict, again.runs[0].verdict) == (RunOutcome.passed, RunOutcome.passed)
    assert read_verdict(one) is not None
    capsys.readouterr()


HOSTILE = "\x1b[2J\x1b]0;owned\x07\u202eworker\x9b31m\nPASSED: all is well"


def test_escapes_in_names_and_reasons_reach_no_reader(
    folder: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    record = msgspec.json.decode((folder / "run.json").read_bytes(), type=RunRecord)
    record.scenario = record.claim = HOSTILE
    record.clients.append(HOSTILE)
    record.expect = [f"task_success_rate >= {HOSTILE}"]
    (folder / "run.json").write_bytes(msgspec.json.encode(record))
    assert run(["judge", str(folder)]) == ExitCode.INCONCLUSIVE
    assert run(["judge", str(folder), "--json"]) == ExitCode.INCONCLUSIVE
    shown = capfdbinary.readouterr()
    found = {"terminal": shown.out + shown.err}
    found |= {
        path.name: path.read_bytes() for path in folder.iterdir() if path.suffix in (".md", ".html", ".xml")
    }
    assert {"report.md", "report.html", "junit.xml"} <= found.keys()
    for name, data in found.items():
        text = data.decode()
        assert not {"\x1b", "\x07", "\u202e", "\x9b"} & set(text), name
        assert "\nPASSED: all is well" not in text, name
