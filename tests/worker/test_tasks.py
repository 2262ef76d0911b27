"""Claims about every task kind, run by the real executor."""

from __future__ import annotations

import asyncio
import json
import os
import threading
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.waiting import eventually
from wire.limits import BULK_BYTES
from wire.messages import Assign, Checkpoint
from wire.priority import Priority
from wire.task_params import PARAMS, CpuParams
from worker.checkpoints import CheckpointStore, checkpoint_of
from worker.effects import SaveCheckpoint, StartAttempt, StopAttempt
from worker.executor import Executor
from worker.task_kind import TaskContext, TaskError, ThreadTask
from worker.tasks import KINDS, _kind, cpu
from worker.tasks.steps import link, padded

ROOT = Path(__file__).parents[2]


class Bench:
    """An executor, and what it reports. `wanted` names the steps after which a checkpoint is asked for."""

    def __init__(self, folder: Path) -> None:
        self.store = CheckpointStore(folder)
        self.executor = Executor(self, self.store, slots=4, start_task=asyncio.ensure_future)
        self.ended: dict[int, tuple[bytes, str]] = {}
        self.steps: list[tuple[int, bool]] = []
        self.saved: list[Checkpoint] = []
        self.wanted: set[int] = set()

    def finished(self, token: int, output: bytes, error: str) -> None:
        assert token not in self.ended
        self.ended[token] = (output, error)

    def step_done(self, token: int, step: int, *, last: bool) -> None:
        self.steps.append((step, last))
        if step in self.wanted:
            self.executor.request_checkpoint(SaveCheckpoint("t", token, step))

    def checkpoint_written(self, token: int, checkpoint: Checkpoint) -> None:
        self.saved.append(checkpoint)

    def start(
        self, kind: str, params: object = None, *, token: int = 1, checkpoint: Checkpoint | None = None
    ) -> None:
        data = params if isinstance(params, bytes) else json.dumps(params or {}).encode()
        assign = Assign("t", token, kind, data, Priority.normal, 1, 10_000, 0)
        self.executor.start(StartAttempt(assign, checkpoint))

    def stop(self, token: int = 1) -> None:
        self.executor.stop(StopAttempt("t", token, "test"))

    async def end(self, token: int = 1, within_s: float = 20.0) -> tuple[Any, str]:
        await eventually(lambda: token in self.ended, f"the end of {token}", within_s)
        output, error = self.ended[token]
        return (json.loads(output) if output else None), error

    async def run(self, kind: str, params: object = None, **more: Any) -> tuple[Any, str]:
        self.start(kind, params, **more)
        return await self.end()


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    made = Bench(tmp_path)
    yield made
    left = made.executor.stop_all()
    if left:
        await asyncio.wait(left, timeout=5)


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


# -- command -----------------------------------------------


async def test_a_command_gives_its_exit_code_and_output(bench: Bench) -> None:
    output, error = await bench.run("command", {"argv": ["sh", "-c", "echo out; echo err >&2; exit 3"]})
    assert error == ""
    assert output == {"exit_code": 3, "stdout": "out\n", "stderr": "err\n", "truncated": False}


async def test_a_command_that_writes_without_end_is_kept_to_its_bound(bench: Bench) -> None:
    argv = ["sh", "-c", "head -c 3000000 /dev/zero | tr '\\0' x"]
    output, error = await bench.run("command", {"argv": argv, "keep_bytes": 1_000})
    assert error == ""
    assert (output["exit_code"], output["stdout"], output["truncated"]) == (0, "x" * 1_000, True)


async def test_a_command_that_is_not_there_is_the_tasks_error(bench: Bench) -> None:
    _, error = await bench.run("command", {"argv": ["/no/such/program"]})
    assert "cannot run '/no/such/program'" in error


async def test_a_command_does_not_see_the_fleets_key(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STORMLAB_KEY", "secret")
    output, _ = await bench.run("command", {"argv": ["env"], "env": {"MINE": "1"}})
    assert "STORMLAB_KEY" not in output["stdout"]
    assert "MINE=1" in output["stdout"]


def lives(pid: int) -> bool:
    """A zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


async def gone(pid: int) -> None:
    await eventually(lambda: not lives(pid), f"the end of process {pid}")


def others_in(folder: Path) -> list[int]:
    """The processes in this working directory, but for this one."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            with suppress(OSError):
                if (entry / "cwd").readlink() == folder:
                    found.append(int(entry.name))
    return found


async def family(folder: Path) -> list[int]:
    """The process ids that FAMILY wrote, once all are there."""
    await eventually(lambda: len(pids_in(folder)) == 2, "both processes")
    return pids_in(folder)


def pids_in(folder: Path) -> list[int]:
    """The process ids that a command wrote into the folder's file `pids`."""
    path = folder / "pids"
    return [int(pid) for pid in path.read_text().split()] if path.exists() else []


async def killed_at_its_limit(bench: Bench, argv: list[str], folder: Path, count: int) -> list[int]:
    """Run a command until its time limit kills it; returns the `count` process ids that it wrote. The limit
    grows until the processes begin within it, however busy the machine is.
    """
    for timeout_ms in (500, 2_000, 8_000, 32_000):
        bench.ended.clear()
        _, error = await bench.run("command", {"argv": argv, "timeout_ms": timeout_ms})
        assert error == f"{argv[0]!r} took longer than {timeout_ms} ms and was killed"
        if len(pids := pids_in(folder)) == count:
            return pids
        (folder / "pids").write_text("")
    raise AssertionError(f"expected {count} processes within 32 s")


FAMILY = "sleep 600 & echo $! >> pids; echo $$ >> pids; wait"


async def test_a_command_that_takes_too_long_is_killed_with_all_it_started(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    pids = await killed_at_its_limit(bench, ["sh", "-c", FAMILY], tmp_path, 2)
    for pid in pids:
        await gone(pid)


async def test_a_stopped_command_is_killed_with_all_it_started(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    bench.start("command", {"argv": ["sh", "-c", FAMILY]})
    pids = await family(tmp_path)
    assert all(lives(pid) for pid in pids)
    bench.stop()
    for pid in pids:
        await gone(pid)
    assert bench.ended == {}


async def test_a_command_that_is_stopped_while_it_starts_is_killed_with_all_it_started(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for token in range(1, 21):
        bench.start("command", {"argv": ["sh", "-c", FAMILY]}, token=token)
        for _ in range(token // 2):
            await asyncio.sleep(0)
        bench.stop(token)
    await eventually(lambda: not bench.executor.stop_all(), "the end of all attempts")
    await eventually(lambda: not others_in(tmp_path), "the end of all that runs in the folder")


async def test_a_command_leaves_nothing_behind_that_it_started_in_the_background(bench: Bench) -> None:
    script = "sleep 600 > /dev/null 2>&1 & echo $!"
    output, _ = await bench.run("command", {"argv": ["sh", "-c", script]})
    await gone(int(output["stdout"]))


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
