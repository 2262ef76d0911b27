"""Logs of processes: each line after its time, in files of bounded size."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from driver.engines.process import log_file
from driver.engines.process.log_file import LogWriter, follow_lines, last_lines, read_log

LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z (.*)\n")


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[int]:
    descriptor = os.open(tmp_path, os.O_RDONLY)
    yield descriptor
    os.close(descriptor)


def texts(path: Path, count: int | None = None) -> list[str]:
    return LINE.findall(last_lines(path, count))


def test_each_line_is_written_after_its_time(folder: int, tmp_path: Path) -> None:
    writer = LogWriter(folder, "a.log")
    writer.write(b"one\ntw")
    writer.write(b"o\nthree")
    assert texts(tmp_path / "a.log") == ["one", "two"]
    writer.close()
    assert texts(tmp_path / "a.log") == ["one", "two", "three"]


def test_a_line_without_an_end_is_written_in_parts(folder: int, tmp_path: Path) -> None:
    writer = LogWriter(folder, "a.log")
    writer.write(b"x" * (log_file.MAX_LINE + 5))
    writer.close()
    assert [len(one) for one in texts(tmp_path / "a.log")] == [log_file.MAX_LINE, 5]


def test_old_files_are_kept_for_a_while_and_then_removed(
    folder: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_file, "MAX_BYTES", 100)
    writer = LogWriter(folder, "a.log")
    for number in range(9):
        writer.write(f"line {number} {'.' * 40}\n".encode())
    writer.close()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.log", "a.log.1", "a.log.2"]
    assert [one[:6] for one in texts(tmp_path / "a.log")] == ["line 6", "line 7", "line 8"]


def test_the_last_lines_alone_are_read(folder: int, tmp_path: Path) -> None:
    writer = LogWriter(folder, "a.log")
    writer.write(b"1\n2\n3\n")
    assert texts(tmp_path / "a.log", 2) == ["2", "3"]
    assert texts(tmp_path / "a.log", 0) == []
    writer.close()


def test_a_process_that_has_not_run_has_no_log(tmp_path: Path) -> None:
    assert list(read_log(tmp_path / "a.log")) == []


def test_a_followed_log_has_the_last_lines_and_all_that_follow(
    folder: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_file, "MAX_BYTES", 100)
    writer = LogWriter(folder, "a.log")
    writer.write(b"1\n2\n")
    turns = iter([True, True, True, False])
    lines = follow_lines(tmp_path / "a.log", 1, lambda: next(turns), poll_s=0.0)
    assert next(lines).endswith(" 2\n")
    # The second of these begins a new file.
    for text in (b"3\n", b"4" * 80 + b"\n"):
        writer.write(text)
    writer.close()
    assert [line.split()[1][:1] for line in lines] == ["3", "4"]
