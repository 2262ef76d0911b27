"""Claims about exporting a stored run."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from driver.histories.journals import read_history
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


def test_what_was_not_answered_is_left_open() -> None:
    journals = copied(record(5))
    journals["driver"].clear()
    found = operations(as_history(journals))
    assert {operation.ret for operation in found if operation.op == "submit"} == {None}
    assert {operation.came_back for operation in found if operation.op == "end"} == {"stopped"}
