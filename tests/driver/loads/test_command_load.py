"""Claims about commands as loads, with real processes: what they are given, what is read, how they end."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from driver.loads.catalogue import LoadError, check_loads, read_loads
from driver.loads.program_run import MOST_KEPT_BYTES, check_executable
from driver.paths import project_root
from driver.systems.replicas import PublishedAddress
from tests.driver.loads.one_load import Addresses, Record, group
from tests.waiting import eventually, eventually_in_thread

ONE = (
    "import json, os, sys, time\n"
    "def say(**more):\n"
    "    now = time.monotonic_ns()\n"
    '    usual = dict(op="add", key="a", call_ns=now, return_ns=now, outcome="ok")\n'
    "    print(json.dumps(usual | more), flush=True)\n"
)
"""The begin of a Python program that says an operation."""
ADDRESSES = Addresses([PublishedAddress("web", 8000, "0.0.0.0:49153")], {"redis:6379": "10.0.0.2:6379"})


async def ran(program: str, folder: Path, load: Mapping[str, Any] = {}, duration_s: float = 5.0) -> Record:
    """The record of a Python program that ran as a load to its end."""
    record = Record()
    given = {"command": [sys.executable, "-c", ONE + program], "timeout": "20s", **load}
    loads = group(record, given, ADDRESSES, folder, duration_s=duration_s, seed=9)
    await loads.run()
    await loads.after()
    return record


async def test_a_command_is_given_its_rate_time_seed_and_addresses(tmp_path: Path) -> None:
    program = (
        'say(key=json.dumps({n: v for n, v in os.environ.items() if n[:5] in ("STORM", "WEB_8", "REDIS")}))'
    )
    record = await ran(program, tmp_path, {"rate": "90/m", "reach": ["redis:6379"]})
    (one,) = record.operations()
    assert '"STORMLAB_LOAD": "load"' in one.key
    assert '"STORMLAB_SEED": "9"' in one.key
    assert '"STORMLAB_RATE_PER_S": "1.5"' in one.key
    assert '"WEB_8000": "127.0.0.1:49153"' in one.key
    assert '"REDIS_6379": "10.0.0.2:6379"' in one.key
    seconds = float(one.key.partition('"STORMLAB_SECONDS": "')[2].partition('"')[0])
    assert 0 < seconds <= 5
    assert record.trouble() == ""


async def test_its_operations_are_written_as_they_were_said(tmp_path: Path) -> None:
    program = 'say(key="x", value=7, process=3, outcome="unknown", detail="cut")\nsay(key=12, outcome="fail")'
    first, second = (await ran(program, tmp_path)).operations()
    assert (first.key, first.value, first.process, first.outcome) == ("x", 7, 3, "unknown")
    assert (second.key, second.value, second.outcome, second.due_ns) == ("12", None, "fail", second.call_ns)


async def test_a_text_is_a_command_of_the_shell_in_the_scenario_s_folder(tmp_path: Path) -> None:
    (tmp_path / "ops.sh").write_text('echo "$1" >&2\n')
    record = await ran("", tmp_path, {"command": "sh ./ops.sh hello && sh ./ops.sh $STORMLAB_SEED"})
    assert (tmp_path / "load.log").read_text() == "hello\n9\n"
    assert record.trouble() == ""


async def test_lines_that_are_no_operation_are_counted_and_said(tmp_path: Path) -> None:
    program = 'print("hello")\nprint("hello")\nprint("x" * 100_000)\nsay()\nsay(outcome="good")'
    record = await ran(program, tmp_path)
    assert len(record.operations()) == 1
    assert record.trouble() == (
        "a line of its command was not read: a line is no operation: "
        "JSON is malformed: invalid character (byte 0) (2 times); "
        "a line of its command was not read: a line is longer than 32768 bytes; "
        "a line of its command was not read: expected an outcome among ok, fail, unknown; found 'good'"
    )


async def test_a_command_that_prints_no_operations_on_and_on_is_ended(tmp_path: Path) -> None:
    record = await ran("while True: print('y')", tmp_path, duration_s=60)
    assert re.search(r"was not read: .* \(\d{4,} times\)", record.trouble())


async def test_a_command_with_too_many_operations_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("driver.loads.load_group.MOST_OPERATIONS", 50)
    record = await ran("while True: say()", tmp_path, duration_s=60)
    assert len(record.operations()) == 50
    assert record.trouble().startswith("operations beyond 50 were not written")


async def test_an_error_at_its_end_is_said_with_its_last_words(tmp_path: Path) -> None:
    record = await ran('say()\nsys.exit("no such table")', tmp_path)
    assert record.trouble() == "its command ended with exit 1: no such table"


async def test_a_program_that_cannot_be_executed_is_said(tmp_path: Path) -> None:
    record = await ran("", tmp_path, {"command": ["./absent"]})
    assert "its command ended with cannot [Errno 2] No such file" in record.trouble()


async def test_a_command_beyond_its_time_is_ended_and_said(tmp_path: Path) -> None:
    record = await ran("say()\ntime.sleep(300)", tmp_path, {"timeout": "1s"}, duration_s=1.0)
    assert record.trouble() == ("its command still ran 1 s after its time: operations may be missing")


async def test_what_it_says_beside_operations_is_kept_up_to_a_bound(tmp_path: Path) -> None:
    await ran(f"for _ in range(80): sys.stderr.write('x' * {MOST_KEPT_BYTES // 40})", tmp_path)
    assert (tmp_path / "load.log").stat().st_size == MOST_KEPT_BYTES


DAEMON = (
    "import subprocess\n"
    "one = subprocess.Popen(['setsid', 'sh', '-c', 'sleep 300 & echo $!; wait'], stdout=subprocess.PIPE)\n"
    "say(key=one.stdout.readline().decode().strip())\n"
)
"""Starts a process that leaves its group and session, and says its number."""


@pytest.mark.parametrize("end", ["", "time.sleep(300)"], ids=["by itself", "at its time"])
async def test_all_that_it_started_ends_with_it(tmp_path: Path, end: str) -> None:
    record = await ran(DAEMON + end, tmp_path, {"timeout": "1s"}, duration_s=2.0)
    (one,) = record.operations()
    await eventually(lambda: not is_alive(int(one.key)), "the daemon has ended")


async def test_a_cancelled_load_ends_its_command(tmp_path: Path) -> None:
    record = Record()
    given = {"command": [sys.executable, "-c", ONE + DAEMON + "time.sleep(300)"]}
    running = asyncio.create_task(group(record, given, ADDRESSES, tmp_path, duration_s=60).run())
    one = await eventually(lambda: next(iter(record.operations()), None), "its operation")
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    await eventually(lambda: not is_alive(int(one.key)), "the daemon has ended")


def test_a_command_ends_when_the_driver_is_killed(tmp_path: Path) -> None:
    script = (
        "import asyncio, sys\nfrom pathlib import Path\n"
        "from tests.driver.loads.one_load import Addresses, Record, group\n"
        "given = {'command': 'sleep 300 & echo $! >&2; wait'}\n"
        "asyncio.run(group(Record(), given, Addresses(), Path(sys.argv[1]), duration_s=60).run())\n"
    )
    driver = subprocess.Popen([sys.executable, "-c", script, str(tmp_path)], cwd=project_root())
    log = tmp_path / "load.log"
    try:
        eventually_in_thread(lambda: log.exists() and log.read_text().endswith("\n"), "its child")
    finally:
        driver.kill()
        driver.wait()
    child = int(log.read_text())
    eventually_in_thread(lambda: not is_alive(child), "the child has ended")


def is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return "Z" not in Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]


@pytest.mark.parametrize(
    ("load", "said"),
    [
        ({"command": []}, "expected a program and its arguments"),
        ({"command": [""]}, "expected a program and its arguments; found ['']"),
        ({"command": ["a\0b"]}, "expected a program and its arguments"),
        ({"command": "x", "reach": ["redis"]}, "expected SERVICE:PORT, like redis:6379; found 'redis'"),
    ],
)
def test_a_command_that_cannot_be_run_is_refused(load: Mapping[str, Any], said: str) -> None:
    with pytest.raises(LoadError, match=r".") as error:
        read_loads(load)
    assert said in error.value.problem


def test_a_program_that_is_not_there_is_refused_before_a_run(tmp_path: Path) -> None:
    (tmp_path / "plain").write_text("")
    for name in ("./plain", "./absent", "no-such-program-at-all"):
        with pytest.raises(LoadError, match="expected an executable program; found none at"):
            check_loads(read_loads({"command": [name]}), tmp_path)
    check_loads(read_loads({"command": "whatever | the shell says"}), tmp_path)


def test_a_program_in_the_own_folder_is_found_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "program"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    check_executable("./program", Path())
    with pytest.raises(ValueError, match="found none at"):
        check_executable("./other", Path())
