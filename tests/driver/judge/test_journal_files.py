"""The journals of a run are read once for its receipts and its verdict, and again where one has changed."""

from __future__ import annotations

import os
from pathlib import Path

from driver.histories.journal_folder import find_journals
from driver.histories.journals import JOURNALS, JournalFiles, read_history
from tests.driver.judge.histories import encoded, small


def test_a_journal_is_read_again_only_once_its_file_has_changed(tmp_path: Path) -> None:
    past = small()
    folder = past.write(tmp_path / "20261124T021500Z-small")
    paths = find_journals(folder / JOURNALS).journals
    files = JournalFiles()
    first = files.read(paths)
    driver = paths["driver"]
    with driver.open("ab") as file:
        file.write(encoded(past.lines["driver"][-1:])[0])
    second = files.read(paths)
    assert second["worker-1"] is first["worker-1"]
    assert len(second["driver"].events) == len(first["driver"].events) + 1


def test_a_journal_of_the_same_length_in_its_place_is_read_again(tmp_path: Path) -> None:
    folder = small().write(tmp_path / "20261124T021500Z-small")
    paths = find_journals(folder / JOURNALS).journals
    files = JournalFiles()
    first = files.read(paths)
    other = tmp_path / "other"
    other.write_bytes(b" " * paths["worker-1"].stat().st_size)
    os.replace(other, paths["worker-1"])
    assert first["worker-1"].events
    assert not files.read(paths)["worker-1"].events


def test_a_history_of_journals_that_were_read_before_is_the_same(tmp_path: Path) -> None:
    folder = small().write(tmp_path / "20261124T021500Z-small")
    files = JournalFiles()
    whole = read_history(folder, files=files)
    again = read_history(folder, files=files)
    assert whole.count == again.count > 0
    assert whole.damage == again.damage
