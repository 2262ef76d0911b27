"""Seals: the chain continues over lives and cut-off writes, and every other change is located."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from coordinator.journal_file import CoordinatorJournalFile
from driver.histories.driver_journal import FILE_NAME, DriverJournal
from wire.events import ReconnectAbandoned
from wire.journal_chain import BLOCK_LINES, JournalChain, read_chain, resumed
from worker.journal_file import WorkerJournalFile


def line(number: int) -> bytes:
    return b'{"event":"x","number":%d}\n' % number


def written(blocks: int = 20, lines: int = 5) -> bytes:
    chain = JournalChain()
    return b"".join(
        chain.seal([line(block * lines + one) for one in range(lines)]) for block in range(blocks)
    )


def reading(data: bytes) -> Callable[[int, int], bytes]:
    return lambda length, offset: data[offset : offset + length]


def without(data: bytes, first: int, last: int) -> bytes:
    lines = data.splitlines(keepends=True)
    return b"".join(lines[: first - 1] + lines[last:])


def test_what_is_as_it_was_written_has_no_break() -> None:
    read = read_chain(written())
    assert (read.lines, read.breaks, read.is_sealed) == (100, (), True)


def test_every_line_keeps_what_it_said() -> None:
    assert [one.split(b',"n"')[0].rstrip(b"}\n") for one in written().splitlines()] == [
        line(number).rstrip(b"}\n") for number in range(100)
    ]


@pytest.mark.parametrize(("first", "last"), [(3, 3), (3, 7), (1, 5), (34, 66), (5, 5), (1, 99)])
def test_lines_that_are_taken_out_are_counted_and_placed(first: int, last: int) -> None:
    (found,) = read_chain(without(written(), first, last)).breaks
    assert found.missing == last - first + 1
    assert found.first <= first
    assert str(found).startswith(f"{found.missing} lines are missing between lines")


def test_a_taken_line_does_not_hide_a_later_one() -> None:
    assert [one.missing for one in read_chain(without(without(written(), 80, 81), 3, 3)).breaks] == [1, 2]


def test_an_altered_digit_shows_and_is_placed() -> None:
    (found,) = read_chain(written().replace(b'"number":42}', b'"number":43}')).breaks
    assert (found.first, found.last, found.missing) == (41, 45, 0)


def test_a_line_of_another_place_is_one_too_many() -> None:
    lines = written().splitlines(keepends=True)
    assert read_chain(b"".join([*lines[:50], lines[2], *lines[50:]])).breaks[0].missing == -1


def test_any_single_changed_byte_shows() -> None:
    data = written(blocks=4)
    whole = read_chain(data)
    for at in random.Random(1).sample(range(len(data)), 100):
        changed = read_chain(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
        assert changed.breaks or changed.lines != whole.lines, at


def test_a_write_of_many_lines_has_a_seal_for_each_block() -> None:
    data = JournalChain().seal([line(number) for number in range(3 * BLOCK_LINES)])
    assert data.count(b',"h":"') == 3
    assert read_chain(data).breaks == ()


@pytest.mark.parametrize("torn", [b"", b'{"event":"to', b'{"event":"whole"}\n', b'{"event":"whole"}\n{"to'])
def test_the_next_life_goes_on_with_the_chain_whatever_a_kill_left(torn: bytes) -> None:
    first = written() + torn
    both = first + resumed(len(first), reading(first)).seal([line(0), line(1)])
    read = read_chain(both)
    assert (read.breaks, read.lines) == ((), both.count(b"\n"))
    assert both.splitlines()[-2] == line(0).strip()


def test_a_life_that_is_taken_out_shows() -> None:
    first = written()
    second = first + resumed(len(first), reading(first)).seal([line(0)])
    third = second + resumed(len(second), reading(second)).seal([line(1)])
    assert read_chain(first + third[len(second) :]).breaks[0].missing == 1


def test_a_seal_is_found_however_long_what_follows_it_is() -> None:
    data = written() + b"x" * 1_000_000
    assert resumed(len(data), reading(data)).seal([line(0)]).startswith(b"\n" + line(0)[:-2] + b',"n":102,')


@pytest.mark.parametrize("file_of", [CoordinatorJournalFile, WorkerJournalFile])
def test_lives_of_a_process_make_one_chain(
    file_of: type[CoordinatorJournalFile] | type[WorkerJournalFile], tmp_path: Path
) -> None:
    path = tmp_path / "worker-1.jsonl"
    for life in range(3):
        file = file_of(path)
        for number in range(10):
            file.write(line(number))
            if number % 3 == life:
                file.flush()
        file.close()
    read = read_chain(path.read_bytes())
    assert (read.lines, read.breaks) == (30, ())


def test_each_line_of_the_driver_is_sealed(tmp_path: Path) -> None:
    file = DriverJournal(tmp_path)
    for number in range(5):
        file.write_at(number, ReconnectAbandoned, reason="no", detail="")
    file.close()
    data = (tmp_path / FILE_NAME).read_bytes()
    assert (read_chain(data).lines, data.count(b',"h":"')) == (5, 5)
