"""Claims about the observer: when it reads, what it writes, and what a reading that fails becomes."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import pytest

from driver.errors import UsageError
from driver.histories.system_events import AFTER, BEFORE, DURING, Cell
from driver.observations import observer as module
from driver.observations.observation import ReadingContext, SystemObservation
from driver.observations.observer import Observer
from driver.observations.reading import Reader, ReadingError, ReadingTable, Value
from tests.driver.observations.fake_access import FakeAccess, context
from tests.waiting import eventually


class Scripted(SystemObservation):
    """Returns the given answers, one after the other; the last one again and again."""

    name: ClassVar = "scripted"
    answers: tuple[Any, ...]

    @property
    def tried(self) -> str:
        return "a script"

    def reader(self, context: ReadingContext) -> Reader:
        left = list(self.answers)

        def read() -> Value:
            answer = left.pop(0) if len(left) > 1 else left[0]
            if isinstance(answer, Exception):
                raise answer
            found: Value = answer() if callable(answer) else answer
            return found

        return read


class Written:
    """The readings that were written, in their order."""

    def __init__(self) -> None:
        self.lines: list[dict[str, Any]] = []

    def __call__(self, kind: type, /, **fields: Any) -> None:
        kind(at_ns=1, wall_s=0.0, by="observer", **fields)
        self.lines.append(fields)

    @property
    def values(self) -> list[object]:
        return [one.get("number", one.get("unknown", one.get("rows"))) for one in self.lines]


def observer(
    written: Written, *answers: Any, every_s: float | None = 0.1, timeout_s: float = 5.0
) -> Observer:
    """An observer of one observation, `seen`."""
    one = Scripted.model_construct(answers=answers, every_s=every_s, timeout_s=timeout_s)
    return Observer({"seen": one}, context(FakeAccess()), written)


async def follow(watch: Observer, until: Callable[[], bool]) -> None:
    """Follow until a condition holds."""
    task = asyncio.create_task(watch.follow())
    await eventually(until, "the readings")
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_first_reading_that_fails_is_tried_again() -> None:
    written = Written()
    await observer(written, ReadingError("starting"), 3.0).read_first(within_s=30.0)
    assert (written.values, written.lines[0]["moment"]) == ([3.0], BEFORE)


async def test_a_first_reading_that_fails_to_the_end_is_an_error_with_what_came_back() -> None:
    written = Written()
    with pytest.raises(UsageError) as error:
        await observer(written, ReadingError("no such table: votes")).read_first(within_s=0.0)
    assert "observe.seen (scripted): a script: no such table: votes" in error.value.sentence


async def test_a_failed_reading_is_written_as_unknown_and_never_as_zero() -> None:
    written = Written()
    watch = observer(written, 1.0, ReadingError("connection refused"), 2.0)
    await follow(watch, lambda: len(written.lines) >= 3)
    assert written.values[:3] == [1.0, "connection refused", 2.0]
    assert "number" not in written.lines[1]
    assert {one["moment"] for one in written.lines} == {DURING}


async def test_a_defect_of_a_client_makes_a_reading_unknown_and_ends_nothing() -> None:
    written = Written()
    await observer(written, KeyError("x\x1b[2J")).read_last(within_s=0.0)
    assert written.values == ["KeyError: 'x\\x1b[2J'"]


async def test_the_newest_number_is_known_and_one_that_failed_is_none() -> None:
    watch = observer(Written(), 4.0, ReadingError("gone"))
    await watch.read_first(within_s=0.0)
    assert watch.numbers(time.monotonic()) == {"seen": 4.0}
    await watch.read_last(within_s=0.0)
    assert watch.numbers(time.monotonic()) == {"seen": None}


async def test_a_table_is_read_at_begin_and_end_alone_unless_an_interval_is_given() -> None:
    written = Written()
    watch = observer(written, ReadingTable(("id",), [["a"]]), every_s=None)
    await watch.read_first(within_s=0.0)
    await asyncio.wait_for(watch.follow(), 5.0)
    await watch.read_last(within_s=0.0)
    assert [one["moment"] for one in written.lines] == [BEFORE, AFTER]


async def test_a_long_table_is_written_in_parts_of_one_instant() -> None:
    written = Written()
    rows: list[list[Cell]] = [[number, "x" * 4_000] for number in range(600)]
    await observer(written, ReadingTable(("id", "text"), rows)).read_last(within_s=0.0)
    assert len(written.lines) == written.lines[0]["parts"] > 1
    assert [one["part"] for one in written.lines] == list(range(1, len(written.lines) + 1))
    assert len({one["asked_ns"] for one in written.lines}) == 1
    assert [row for one in written.lines for row in one["rows"]] == rows


async def test_a_table_that_began_as_a_number_is_not_read_each_second() -> None:
    written = Written()
    grown = ReadingTable(("id",), [["a"], ["b"]])
    watch = observer(written, 1.0, grown, every_s=None)
    await watch.read_first(within_s=0.0)
    await asyncio.wait_for(watch.follow(), 10.0)
    await watch.read_last(within_s=0.0)
    assert [one["moment"] for one in written.lines] == [BEFORE, AFTER]
    assert watch.numbers(time.monotonic()) == {"seen": None}


async def test_tables_of_the_run_are_unknown_beyond_what_is_kept_and_the_last_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "DURING_BYTES", 2_500)
    written = Written()
    watch = observer(written, ReadingTable(("id",), [["x" * 1_000]]))
    await watch.read_first(within_s=0.0)
    await follow(watch, lambda: len(written.lines) >= 4)
    await watch.read_last(within_s=0.0)
    shown = ["unknown" in one for one in written.lines]
    assert shown[:4] == [False, False, False, True]
    assert written.lines[3]["unknown"] == "its readings during the run have more than 2,500 bytes"
    assert not shown[-1]


async def test_a_number_that_is_old_is_none() -> None:
    watch = observer(Written(), 4.0, every_s=10.0, timeout_s=1.0)
    await watch.read_first(within_s=0.0)
    read_s = watch.read_at_s()["seen"]
    assert watch.numbers(read_s + 29.0) == {"seen": 4.0}
    assert watch.numbers(read_s + 31.0) == {"seen": None}


@pytest.fixture
def held() -> Iterator[threading.Event]:
    """What ends a reading that hangs."""
    event = threading.Event()
    yield event
    event.set()


async def test_a_reading_that_hangs_is_unknown_and_holds_one_thread(held: threading.Event) -> None:
    written = Written()

    def hangs() -> float:
        held.wait(30.0)
        return 0.0

    watch = observer(written, hangs, hangs, 7.0, timeout_s=0.1)
    await watch.read_last(within_s=0.0)
    await watch.read_last(within_s=0.0)
    assert written.values == ["no answer within 0.1 s", "the reading before has not ended"]
    assert sum(one.name == "observe-seen" for one in threading.enumerate()) == 1


async def test_the_last_reading_waits_for_one_that_still_reads(held: threading.Event) -> None:
    written, begun = Written(), threading.Event()

    def slow() -> float:
        begun.set()
        held.wait(30.0)
        return 1.0

    watch = observer(written, slow, 7.0, timeout_s=20.0)
    following = asyncio.create_task(watch.follow())
    await eventually(begun.is_set, "a reading")
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)
    asyncio.get_running_loop().call_later(0.2, held.set)
    # It is not tried again.
    await watch.read_last(within_s=20.0, again_s=60.0)
    assert [(one["moment"], one["number"]) for one in written.lines] == [(AFTER, 7.0)]


async def test_an_observation_that_is_over_is_followed_no_more() -> None:
    written = Written()
    watch = observer(written, 3.0)
    watch.end()
    await asyncio.wait_for(watch.follow(), 20.0)
    assert written.values == []
