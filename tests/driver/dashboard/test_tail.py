"""Reading journals while they are written: each whole line once, whatever happens to the file."""

from __future__ import annotations

from pathlib import Path

from driver.dashboard.tail import MAX_BYTES, MAX_FILE_BYTES, JournalTail


def lines(tail: JournalTail) -> list[bytes]:
    return [line for _, found, _ in tail.read() for line in found]


def test_a_line_is_reported_once_and_only_when_it_is_whole(tmp_path: Path) -> None:
    path, tail = tmp_path / "worker-1.jsonl", JournalTail(tmp_path)
    path.write_bytes(b'{"event":"lost"}\n{"event":"conn')
    assert lines(tail) == [b'{"event":"lost"}']
    assert lines(tail) == []
    with path.open("ab") as file:
        file.write(b'ected"}\n')
    assert lines(tail) == [b'{"event":"connected"}']


def test_a_file_that_took_the_place_of_another_is_read_from_its_beginning(tmp_path: Path) -> None:
    path, tail = tmp_path / "coordinator.jsonl", JournalTail(tmp_path)
    path.write_bytes(b'{"event":"lost"}\n' * 9)
    assert len(lines(tail)) == 9
    path.unlink()
    path.write_bytes(b'{"event":"new"}\n')
    assert lines(tail) == [b'{"event":"new"}']


def test_a_long_file_is_read_a_piece_at_a_time(tmp_path: Path) -> None:
    line = b'{"event":"lost","detail":"' + b"x" * 900 + b'"}\n'
    count = 2 * MAX_FILE_BYTES // len(line)
    (tmp_path / "worker-1.jsonl").write_bytes(line * count)
    tail = JournalTail(tmp_path)
    (_, first, more), *_ = tail.read()
    assert more
    assert 0 < len(first) < count
    rest = 0
    while found := lines(tail):
        rest += len(found)
    assert len(first) + rest == count


def test_what_is_not_shown_is_not_even_decoded(tmp_path: Path) -> None:
    (tmp_path / "worker-1.jsonl").write_bytes(b'{"event":"traffic","by":"worker-1"}\n{"event":"lost"}\n')
    (tmp_path / "prober.jsonl").write_bytes(b'{"event":"lost"}\n')
    assert lines(JournalTail(tmp_path)) == [b'{"event":"lost"}']


def test_how_far_a_file_was_read_is_reported_even_where_it_is_not_shown(tmp_path: Path) -> None:
    line = b'{"event":"traffic","detail":"' + b"x" * 900 + b'"}\n'
    (tmp_path / "worker-1.jsonl").write_bytes(line * (2 * MAX_FILE_BYTES // len(line)))
    assert JournalTail(tmp_path).read() == [("worker-1", [line.rstrip()], True)]


def test_many_files_share_what_is_read_in_one_look(tmp_path: Path) -> None:
    line = b'{"event":"lost","detail":"' + b"x" * 900 + b'"}\n'
    for number in range(40):
        (tmp_path / f"worker-{number}.jsonl").write_bytes(line * (MAX_FILE_BYTES // len(line)))
    read = sum(len(line) + 1 for _, found, _ in JournalTail(tmp_path).read() for line in found)
    assert 0 < read <= MAX_BYTES


def test_a_folder_that_is_not_there_is_empty(tmp_path: Path) -> None:
    assert JournalTail(tmp_path / "nowhere").read() == []
