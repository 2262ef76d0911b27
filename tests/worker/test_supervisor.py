"""Nothing that a command starts outlives it, whatever it does to get away."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.waiting import eventually
from tests.worker.bench import Bench, FreshAttempt, gone, killed_at_its_limit, lives, pids_in
from wire.task_params import CommandParams
from worker import supervisor
from worker.tasks import command

ROOT = Path(__file__).parents[2]
SLEEPER = "sh -c 'echo $$ >> pids; exec sleep 600'"
DAEMON = (
    "import os, time\n"
    "if os.fork() == 0:\n"
    "    os.setsid()\n"
    "    if os.fork() == 0:\n"
    "        os.chdir('/'); [os.close(fd) for fd in (0, 1, 2)]\n"
    "        open({pids!r}, 'a').write(f'{{os.getpid()}}\\n')\n"
    "        time.sleep(600)\n"
    "    os._exit(0)\n"
    "os.wait()\n"
)
ESCAPES = {
    "a session of its own": f"setsid {SLEEPER} &",
    "a double fork": f"(setsid {SLEEPER} &) &",
    "a daemon": "python -c daemon &",
    "one that ignores signals": "setsid sh -c 'trap \"\" TERM HUP INT; echo $$ >> pids; sleep 600; true' &",
    "children of children": f'setsid sh -c "setsid {SLEEPER.replace(chr(39), chr(92) + chr(34))} & wait" &',
}


def escaping(name: str, folder: Path) -> str:
    """The script of that name."""
    daemon = DAEMON.format(pids=str(folder / "pids"))
    (folder / "daemon.py").write_text(daemon)
    return ESCAPES[name].replace("python -c daemon", f"{sys.executable} {folder / 'daemon.py'}")


async def written(folder: Path, count: int = 1) -> list[int]:
    await eventually(lambda: len(pids_in(folder)) >= count, f"{count} processes")
    return pids_in(folder)


@pytest.fixture(autouse=True)
def in_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("name", ESCAPES)
async def test_what_gets_away_ends_before_the_commands_result_is_there(
    bench: Bench, tmp_path: Path, name: str
) -> None:
    script = f"{escaping(name, tmp_path)} until test -s pids; do sleep 0.01; done; exit 4"
    output, error = await bench.run("command", {"argv": ["sh", "-c", script]})
    assert (error, output["exit_code"]) == ("", 4)
    assert [pid for pid in pids_in(tmp_path) if lives(pid)] == []


@pytest.mark.parametrize("name", ESCAPES)
async def test_what_gets_away_ends_when_the_attempt_is_stopped(
    bench: Bench, tmp_path: Path, name: str
) -> None:
    bench.start("command", {"argv": ["sh", "-c", f"{escaping(name, tmp_path)} wait; sleep 600"]})
    (pid,) = await written(tmp_path)
    assert lives(pid)
    bench.stop()
    await gone(pid)


async def test_what_gets_away_ends_when_time_is_up(bench: Bench, tmp_path: Path) -> None:
    argv = ["sh", "-c", f"setsid {SLEEPER} & sleep 600"]
    (pid,) = await killed_at_its_limit(bench, argv, tmp_path, 1)
    assert not lives(pid)


async def test_a_program_that_multiplies_is_ended_whole(bench: Bench, tmp_path: Path) -> None:
    three = 'for i in 1 2 3; do setsid sh -c "$2" x $(($1 - 1)) "$2" & done'
    script = f"echo $$ >> pids; test $1 = 0 || {three}; sleep 600"
    bench.start("command", {"argv": ["sh", "-c", script, "x", "3", script]})
    await written(tmp_path, 20)
    bench.stop()
    await eventually(lambda: not any(lives(pid) for pid in pids_in(tmp_path)), "the end of all", 20)
    await eventually(lambda: not bench.executor.stop_all(), "the end of its supervisor", 20)
    assert [pid for pid in pids_in(tmp_path) if lives(pid)] == []


async def test_a_program_that_holds_its_keeper_up_is_ended_all_the_same(tmp_path: Path) -> None:
    params = CommandParams(argv=["sh", "-c", f"kill -STOP $PPID; setsid {SLEEPER} & sleep 600"])
    running = asyncio.create_task(command.run(params, FreshAttempt(), end_within_s=0.1))
    (pid,) = await written(tmp_path)
    running.cancel()
    await gone(pid)
    await asyncio.gather(running, return_exceptions=True)


async def test_the_exit_of_a_program_is_reported_as_it_was(bench: Bench) -> None:
    output, _ = await bench.run("command", {"argv": ["sh", "-c", "kill -9 $$"]})
    assert output["exit_code"] == -signal.SIGKILL
    bench.start("command", {"argv": ["sh", "-c", "exit 255"]}, token=2)
    assert (await bench.end(2))[0]["exit_code"] == 255


async def test_a_program_has_no_descriptor_but_its_three_streams(bench: Bench) -> None:
    output, _ = await bench.run("command", {"argv": ["sh", "-c", "ls /proc/$$/fd; readlink /proc/$$/fd/0"]})
    assert [line for line in output["stdout"].split() if line not in "0 1 2"] == ["/dev/null"]


WORKER = """
import asyncio, sys
from worker import supervisor
from worker.tasks import command
from worker.task_kind import TaskError
from wire.task_params import CommandParams
from tests.worker.bench import FreshAttempt
supervisor.prctl(supervisor.PR_SET_CHILD_SUBREAPER, 1)

async def main():
    beside = asyncio.create_task(command.run(CommandParams(argv=["sleep", "1"]), FreshAttempt()))
    try:
        await command.run(CommandParams(argv=["sh", "-c", sys.argv[1]]), FreshAttempt())
    except TaskError as error:
        print(error, flush=True)
    print((await beside).exit_code, flush=True)
    await asyncio.sleep(600)

asyncio.run(main())
"""


def start_worker(folder: Path, script: str) -> subprocess.Popen[str]:
    """A process that runs a command as a worker does, beside another one."""
    return subprocess.Popen(
        [sys.executable, "-c", WORKER, script], cwd=folder, stdout=subprocess.PIPE, text=True,
        env={"PYTHONPATH": str(ROOT), "PATH": "/bin:/usr/bin"},
    )  # fmt: skip


async def test_what_a_program_left_that_killed_its_keeper_is_ended_and_nothing_else(tmp_path: Path) -> None:
    script = f"setsid {SLEEPER} & until test -s pids; do sleep 0.01; done; kill -9 $PPID; sleep 600"
    with start_worker(tmp_path, script) as process:
        said = process.stdout
        assert said is not None
        try:
            found = await asyncio.to_thread(lambda: [said.readline() for _ in range(2)])
            assert found == ["cannot run 'sh': its supervisor was killed\n", "0\n"]
            assert [pid for pid in pids_in(tmp_path) if lives(pid)] == []
            assert [pid for pid in supervisor.descendants(process.pid) if lives(pid)] == []
        finally:
            process.kill()


async def test_what_a_program_started_ends_with_a_worker_that_is_killed(tmp_path: Path) -> None:
    with start_worker(tmp_path, f"setsid {SLEEPER} & sleep 600") as process:
        (pid,) = await written(tmp_path)
        below = supervisor.descendants(process.pid)
        process.kill()
    for each in {pid, *below}:
        await gone(each)


SWEEPING = """
import asyncio, time
from worker import supervisor
from worker.tasks import command
from worker.task_kind import TaskError
from wire.task_params import CommandParams
from tests.worker.bench import FreshAttempt
supervisor.prctl(supervisor.PR_SET_CHILD_SUBREAPER, 1)
kill_descendants = supervisor.kill_descendants
sweeps = []

def slowly(but, within_s):
    sweeps.append(but)
    time.sleep(0.5)
    return kill_descendants(but, within_s)

supervisor.kill_descendants = slowly

async def main():
    params = CommandParams(argv=["sleep", "600"], timeout_ms=100)
    late = asyncio.create_task(command.run(params, FreshAttempt()))
    while not sweeps:
        await asyncio.sleep(0.01)
    print((await command.run(CommandParams(argv=["sleep", "1"]), FreshAttempt())).exit_code, flush=True)
    await asyncio.gather(late, return_exceptions=True)

asyncio.run(main())
"""


async def said_by(script: str) -> str:
    """What a process that runs commands as a worker does prints until its end."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        env={"PYTHONPATH": str(ROOT), "PATH": "/bin:/usr/bin"},
    )  # fmt: skip
    try:
        return (await asyncio.wait_for(process.communicate(), 30))[0].decode()
    finally:
        if process.returncode is None:
            process.kill()


async def test_a_command_that_begins_while_another_ones_orphans_are_looked_for_is_none_of_them() -> None:
    assert await said_by(SWEEPING) == "0\n"


CANCELLED = """
import asyncio, time
from worker import supervisor
from worker.tasks import command
from wire.task_params import CommandParams
from tests.worker.bench import FreshAttempt
supervisor.prctl(supervisor.PR_SET_CHILD_SUBREAPER, 1)

async def main():
    task = asyncio.create_task(command.run(CommandParams(argv=["sleep", "600"]), FreshAttempt(), 60))
    while not command._STARTING:
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    print("ended", flush=True)

asyncio.run(main())
"""


async def test_a_command_that_is_stopped_while_its_keeper_starts_does_not_wait_for_itself() -> None:
    assert await said_by(CANCELLED) == "ended\n"
