"""The command task: its output, its bounds, and the end of all processes that it started."""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress
from pathlib import Path

import pytest

from tests.waiting import eventually
from tests.worker.bench import Bench, gone, killed_at_its_limit, lives, pids_in


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
