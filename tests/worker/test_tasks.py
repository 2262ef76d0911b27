"""Claims about every task kind, run by the real executor."""

from __future__ import annotations

import asyncio
import threading
import time
from pathlib import Path
from types import ModuleType

import pytest

from tests.waiting import eventually
from tests.worker.bench import Bench
from wire.limits import BULK_BYTES
from wire.messages import Checkpoint
from wire.task_params import PARAMS, CpuParams
from worker.checkpoints import checkpoint_of
from worker.task_kind import TaskContext, TaskError, ThreadTask
from worker.tasks import KINDS, _kind, cpu
from worker.tasks.steps import link, padded

# -- params ------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "params", "words"),
    [
        ("sleep", {"sleep_ms": "soon"}, ["int", "str", "sleep_ms"]),
        ("sleep", {}, ["missing", "sleep_ms"]),
        ("sleep", {"sleep_ms": -1}, ["sleep_ms", ">= 0"]),
        ("sleep", {"sleep_ms": 1, "fast": True}, ["unknown field", "fast"]),
        ("cpu", {"cpu_ms": 1.5}, ["cpu_ms"]),
        ("command", {"argv": "ls"}, ["argv", "array"]),
        ("command", {"argv": []}, ["argv"]),
        ("command", {"argv": ["true"], "keep_bytes": 10**9}, ["keep_bytes"]),
        ("steps", {"steps": 0}, ["steps"]),
        ("steps", {"steps": 3, "state_bytes": BULK_BYTES + 1}, ["state_bytes"]),
        ("noop", {"x": 1}, ["unknown field", "x"]),
        ("noop", b"\xff", ["bad params"]),
        ("noop", b"[]", ["object"]),
    ],
)
async def test_bad_params_are_the_tasks_error_and_name_the_field(
    bench: Bench, kind: str, params: object, words: list[str]
) -> None:
    output, error = await bench.run(kind, params)
    assert output is None
    assert error.startswith("bad params: ")
    assert all(word in error for word in words), error


async def test_an_unknown_kind_is_answered_with_those_there_are(bench: Bench) -> None:
    _, error = await bench.run("slep")
    assert error == f"kind: expected one of {', '.join(KINDS)}; found 'slep'"


async def test_a_checkpoint_that_does_not_fit_its_checksum_is_not_run_from(bench: Bench) -> None:
    damaged = Checkpoint(1, b"x", b"y")
    _, error = await bench.run("steps", {"steps": 2}, checkpoint=damaged)
    assert "checksum" in error


# -- the small ones ----------------------------------------


async def test_a_noop_is_over_before_start_returns(bench: Bench) -> None:
    bench.start("noop")
    assert bench.ended[1] == (b"null", "")


async def test_fail_fails_with_its_message(bench: Bench) -> None:
    assert await bench.run("fail", {"message": "as asked"}) == (None, "as asked")


async def test_sleep_sleeps(bench: Bench) -> None:
    began = time.monotonic()
    assert await bench.run("sleep", {"sleep_ms": 50}) == ({"slept_ms": 50}, "")
    assert time.monotonic() - began >= 0.045


async def test_a_stopped_sleep_reports_nothing_more(bench: Bench) -> None:
    bench.start("sleep", {"sleep_ms": 20})
    bench.stop()
    bench.start("sleep", {"sleep_ms": 40}, token=2)
    await bench.end(2)
    assert bench.ended.keys() == {2}


# -- cpu ---------------------------------------------------


async def test_cpu_uses_the_processor_time_that_it_was_asked_for(bench: Bench) -> None:
    before = time.process_time()
    output, error = await bench.run("cpu", {"cpu_ms": 200})
    assert error == ""
    assert output["hashed_bytes"] > 0
    assert time.process_time() - before >= 0.19


async def test_computing_does_not_keep_the_event_loop_from_its_work(bench: Bench) -> None:
    for token in range(1, 5):
        bench.start("cpu", {"cpu_ms": 300}, token=token)
    turns = 0
    while len(bench.ended) < 4:
        await asyncio.sleep(0.001)
        turns += 1
    assert turns > 50


async def test_a_stopped_computation_ends_its_thread(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    began = threading.Event()
    ends: list[str] = []

    def watched(params: CpuParams, context: TaskContext) -> None:
        began.set()
        try:
            cpu.run(params, context)
        except TaskError as error:
            ends.append(str(error))

    monkeypatch.setitem(KINDS, "watched", ThreadTask(CpuParams, watched))
    bench.start("watched", {"cpu_ms": 20_000})
    # A thread alone may not have begun yet: a stop would then cancel the computation in the queue.
    await eventually(began.is_set, "the begin of the computation")
    bench.stop()
    await eventually(lambda: ends == ["stopped"], "the end of the computation by the stop alone", 10)
    bench.start("cpu", {"cpu_ms": 10}, token=2)
    await bench.end(2)
    bench.executor.stop_all()
    await eventually(lambda: not attempt_threads(), "the end of both threads")
    assert bench.ended.keys() == {2}


def attempt_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("attempt")]


async def test_an_idle_executor_has_no_threads(bench: Bench) -> None:
    before = set(threading.enumerate())
    bench.start("noop")
    assert set(threading.enumerate()) <= before


# -- steps -------------------------------------------------


def chain_of(steps: int) -> str:
    chain = bytes(32)
    for step in range(1, steps + 1):
        chain = link(chain, step)
    return chain.hex()


async def test_steps_reports_each_step_and_proves_all_of_them(bench: Bench) -> None:
    output, error = await bench.run("steps", {"steps": 3, "step_ms": 0})
    assert error == ""
    assert output == {"chain": chain_of(3), "steps": 3, "resumed_from": 0}
    assert bench.steps == [(1, False), (2, False), (3, True)]


async def test_a_wanted_checkpoint_is_on_the_disk_before_the_next_step(bench: Bench) -> None:
    bench.wanted = {2}
    await bench.run("steps", {"steps": 4, "step_ms": 0, "state_bytes": 5_000})
    assert [(each.step, len(each.state)) for each in bench.saved] == [(2, 5_000)]
    assert bench.store.read("t") == bench.saved[0]


async def test_steps_goes_on_from_a_checkpoint_to_the_same_end(bench: Bench) -> None:
    bench.wanted = {5}
    await bench.run("steps", {"steps": 9, "step_ms": 0})
    bench.steps.clear()
    bench.ended.clear()
    output, _ = await bench.run("steps", {"steps": 9, "step_ms": 0}, checkpoint=bench.saved[0])
    assert output == {"chain": chain_of(9), "steps": 9, "resumed_from": 5}
    assert [step for step, _ in bench.steps] == [6, 7, 8, 9]


async def test_a_checkpoint_beyond_the_end_is_the_tasks_error(bench: Bench) -> None:
    _, error = await bench.run("steps", {"steps": 3}, checkpoint=checkpoint_of(4, bytes(32)))
    assert "step 4 of 3" in error


async def test_a_disk_that_takes_no_checkpoint_is_the_tasks_error(bench: Bench, tmp_path: Path) -> None:
    bench.store._folder = tmp_path / "file" / "folder"
    (tmp_path / "file").touch()
    bench.wanted = {1}
    _, error = await bench.run("steps", {"steps": 3, "step_ms": 0})
    assert "cannot write the checkpoint" in error


def test_a_state_does_not_compress_away() -> None:
    assert len(set(padded(bytes(32), 4_096))) > 200
    assert padded(b"x" * 32, 32) == b"x" * 32


async def test_a_kinds_own_defect_is_only_that_tasks_result(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    from wire.task_params import NoopParams
    from worker.task_kind import AsyncTask, InlineTask

    async def broken(*_: object) -> None:
        raise ZeroDivisionError("oops")

    def broken_now(*_: object) -> None:
        raise ZeroDivisionError("oops")

    for kind in (
        AsyncTask(NoopParams, broken),
        InlineTask(NoopParams, broken_now),
        ThreadTask(NoopParams, broken_now),
    ):
        monkeypatch.setitem(KINDS, "broken", kind)
        bench.ended.clear()
        assert await bench.run("broken") == (None, "ZeroDivisionError: oops")


async def test_an_output_that_is_too_large_for_a_message_is_the_tasks_error(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    from wire.task_params import NoopParams
    from worker.task_kind import InlineTask

    monkeypatch.setitem(KINDS, "large", InlineTask(NoopParams, lambda params: "x" * BULK_BYTES))
    _, error = await bench.run("large")
    assert f"at most {BULK_BYTES}" in error


async def test_a_state_that_is_too_large_for_a_checkpoint_is_the_tasks_error(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.tasks.steps.padded", lambda chain, size_bytes: bytes(BULK_BYTES + 1))
    bench.wanted.add(1)
    _, error = await bench.run("steps", {"steps": 2, "step_ms": 0})
    assert f"keeps at most {BULK_BYTES}" in error


def test_the_worker_runs_each_kind_that_the_driver_accepts() -> None:
    assert {name: getattr(kind, "params", None) for name, kind in KINDS.items()} == PARAMS


@pytest.mark.parametrize("value", [3, "sleep", None, len])
def test_a_module_whose_kind_cannot_begin_declares_none(value: object) -> None:
    module = ModuleType("mine")
    vars(module)["KIND"] = value
    assert _kind(module) is None
