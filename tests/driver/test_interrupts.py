"""A signal stops the work at once; what is done afterwards comes to its end."""

from __future__ import annotations

import asyncio
import os
import signal
import threading

import pytest

from driver.errors import InterruptedCommandError
from driver.interrupts import (
    SIGNALS,
    interruptible,
    interrupts_raised,
    signals_noted,
    to_completion,
    uninterrupted,
)
from tests.waiting import eventually, forever, loop_turns


@pytest.mark.parametrize("number", SIGNALS)
async def test_a_signal_stops_the_work(number: signal.Signals) -> None:
    heard: list[int] = []
    asyncio.get_running_loop().call_later(0.02, os.kill, os.getpid(), number)
    with pytest.raises(InterruptedCommandError):
        await interruptible(forever(), heard.append)
    assert heard == [1]


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_ends_a_block_without_a_loop_and_not_its_cleanup(number: signal.Signals) -> None:
    heard: list[int] = []
    before = signal.getsignal(number)

    def work() -> None:
        try:
            os.kill(os.getpid(), number)
        finally:
            os.kill(os.getpid(), number)
            heard.append(0)

    with pytest.raises(InterruptedCommandError), interrupts_raised(heard.append):
        work()
    assert heard == [1, 2, 0]
    assert signal.getsignal(number) == before


def test_a_signal_is_raised_after_a_block_that_it_does_not_interrupt() -> None:
    done: list[str] = []

    def work() -> None:
        with signals_noted():
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)
            done.append("taken down")

    with pytest.raises(KeyboardInterrupt):
        work()
    assert done == ["taken down"]


@pytest.mark.parametrize("number", SIGNALS)
def test_a_noted_signal_reaches_the_handler_that_was_there_before(number: signal.Signals) -> None:
    heard: list[int] = []
    before = signal.signal(number, lambda number, _: heard.append(number))
    try:
        with signals_noted():
            os.kill(os.getpid(), number)
            assert heard == []
        assert heard == [number]
    finally:
        signal.signal(number, before)


def test_outside_the_main_thread_signals_are_not_noted() -> None:
    done: list[str] = []

    def work() -> None:
        with signals_noted():
            done.append("done")

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done == ["done"]


async def test_more_signals_do_not_disturb_what_comes_after() -> None:
    heard: list[int] = []
    loop = asyncio.get_running_loop()
    loop.call_later(0.02, os.kill, os.getpid(), signal.SIGINT)
    with pytest.raises(InterruptedCommandError):
        await interruptible(forever(), heard.append)
    loop.call_later(0.02, os.kill, os.getpid(), signal.SIGINT)
    await eventually(lambda: heard == [1, 2], lambda: f"signals 1 and 2; found {heard}")


async def test_work_that_ends_by_itself_gives_its_result() -> None:
    async def work() -> int:
        return 7

    assert await interruptible(work(), lambda _: None) == 7


async def test_work_that_puts_itself_in_order_is_not_stopped_a_second_time() -> None:
    in_order = asyncio.Event()
    heard: list[int] = []

    async def work() -> None:
        try:
            await forever()
        finally:
            os.kill(os.getpid(), signal.SIGINT)
            await eventually(lambda: heard == [1, 2], "the second signal")
            in_order.set()

    asyncio.get_running_loop().call_later(0.02, os.kill, os.getpid(), signal.SIGINT)
    with pytest.raises(InterruptedCommandError):
        await interruptible(work(), heard.append)
    assert in_order.is_set()


async def test_what_must_not_be_left_half_done_is_not_stopped() -> None:
    heard: list[str] = []

    async def work() -> int:
        os.kill(os.getpid(), signal.SIGINT)
        await eventually(lambda: heard, "the signal")
        return 7

    assert await uninterrupted(work(), lambda: heard.append("signal")) == 7
    assert heard == ["signal"]


async def test_what_must_come_to_its_end_does_so_before_the_stop_counts() -> None:
    done: list[str] = []
    heard: list[int] = []

    async def work() -> None:
        await eventually(lambda: heard, "the signal")
        done.append("taken down")

    asyncio.get_running_loop().call_later(0.02, os.kill, os.getpid(), signal.SIGINT)
    with pytest.raises(InterruptedCommandError):
        await interruptible(to_completion(work()), heard.append)
    assert done == ["taken down"]


async def test_work_that_must_end_does_so_through_a_second_cancellation() -> None:
    may_end, done = asyncio.Event(), []

    async def work() -> None:
        await may_end.wait()
        done.append("taken down")

    task = asyncio.ensure_future(to_completion(work()))
    for _ in range(2):
        await loop_turns()
        task.cancel()
    await loop_turns()
    assert not task.done()
    may_end.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert done == ["taken down"]


async def test_a_cancellation_also_ends_a_part_of_the_work_that_begins_after_it() -> None:
    begun = asyncio.Event()
    ends: list[bool] = []

    async def work() -> None:
        await eventually(lambda: ends, "the first call, which comes before there is anything to end")
        begun.set()
        await eventually(lambda: ends[-1], "a call once it has begun", 5)

    task = asyncio.ensure_future(to_completion(work(), on_cancel=lambda: ends.append(begun.is_set())))
    await loop_turns()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (ends[0], ends[-1]) == (False, True)


async def test_an_error_of_cancelled_work_is_not_raised_in_place_of_the_cancellation() -> None:
    async def work() -> None:
        await eventually(lambda: calls, "the cancellation")
        raise InterruptedCommandError("Stopped.")

    calls: list[None] = []
    task = asyncio.ensure_future(to_completion(work(), on_cancel=lambda: calls.append(None)))
    await loop_turns()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
