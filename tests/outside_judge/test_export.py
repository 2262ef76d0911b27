"""Claims about exporting a stored run."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from driver.histories.journals import read_history
from tests.driver.claims.system_past import SystemPast
from tests.outside_judge.__main__ import AGREED, USE, export
from tests.outside_judge.operations import Operation, operations
from tests.outside_judge.recording import as_history, copied, record


def _exported(found: list[Operation]) -> list[bytes]:
    return sorted(map(msgspec.json.encode, found))


def test_a_stored_run_gives_the_operations_of_the_run_itself(
    tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    journals = record(5)
    (tmp_path / "journals").mkdir()
    for name, events in journals.items():
        lines = b"".join(msgspec.json.encode(event) + b"\n" for event in events)
        (tmp_path / "journals" / f"{name}.jsonl").write_bytes(lines)
    as_it_was = operations(as_history(journals))
    assert _exported(operations(read_history(tmp_path))) == _exported(as_it_was)
    assert export(tmp_path, judged=False) == AGREED
    assert len(capsysbinary.readouterr().out.splitlines()) == 1 + len(as_it_was)


def test_a_folder_without_journals_is_refused_with_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert export(tmp_path, judged=False) == USE
    assert "holds no journals" in capsys.readouterr().err


def _stored(past: SystemPast, folder: Path) -> Path:
    (folder / "journals").mkdir()
    for name, events in past.lines.items():
        lines = b"".join(msgspec.json.encode(event) + b"\n" for event in events)
        (folder / "journals" / f"{name}.jsonl").write_bytes(lines)
    return folder


def test_the_operations_of_a_load_are_exported_with_their_model(
    tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    past = SystemPast()
    past.operation("x", load="kv", op="write", value=1)
    past.operation("x", "unknown", load="kv", op="read")
    past.operation("m", load="jobs", op="enqueue")
    run = _stored(past, tmp_path)
    assert export(run, judged=False, register="kv") == AGREED
    head, *operations = map(msgspec.json.decode, capsysbinary.readouterr().out.splitlines())
    assert head["model"] == "register"
    assert [(one["op"], one["task"], one["value"]) for one in operations] == [("write", "kx", "1")]
    assert export(run, judged=False, queue="jobs", how="at least once") == AGREED
    head, *operations = map(msgspec.json.decode, capsysbinary.readouterr().out.splitlines())
    assert head["model"] == "at least once"
    assert [one["op"] for one in operations] == ["enqueue", "end"]


@pytest.mark.parametrize(
    ("loads", "says"),
    [({"register": "jobs"}, "reads and writes; found 'enqueue'"), ({"queue": "other"}, "no operation of")],
)
def test_a_load_of_another_kind_is_refused_with_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], loads: dict[str, str], says: str
) -> None:
    past = SystemPast()
    past.operation("m", load="jobs", op="enqueue")
    assert export(_stored(past, tmp_path), judged=False, **loads) == USE
    assert says in capsys.readouterr().err


def test_what_was_not_answered_is_left_open() -> None:
    journals = copied(record(5))
    journals["driver"].clear()
    found = operations(as_history(journals))
    assert {operation.ret for operation in found if operation.op == "submit"} == {None}
    assert {operation.came_back for operation in found if operation.op == "end"} == {"stopped"}
