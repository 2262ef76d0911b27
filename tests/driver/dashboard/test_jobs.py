"""What the page sets going: processes, stopped as by Ctrl-C, and not forgotten while they run."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest

from driver.dashboard import jobs as module
from driver.dashboard.jobs import MAX_JOBS, MAX_RUNNING, Job, Jobs
from tests.waiting import eventually

HEALS = """
import signal, sys, time
try:
    print("it is on", flush=True)
    time.sleep(600)
except KeyboardInterrupt:
    print("healed", flush=True)
    sys.exit(3)
"""


@pytest.fixture
def says(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Have another program take the command line's place."""
    return lambda code: monkeypatch.setattr(module, "lab_command", lambda: [sys.executable, "-c", code])


async def until(condition: Callable[[], object]) -> None:
    await eventually(condition, within_s=90)


async def over(job: Job) -> None:
    await until(lambda: job.code is not None)


def started(jobs: Jobs, *words: str) -> Job:
    job = jobs.start(words)
    assert job is not None
    return job


async def test_words_reach_the_command_as_they_are(says: Callable[[str], None]) -> None:
    says("import sys; print(sys.argv[1:])")
    job = started(Jobs(), "inject", "refuse; rm -rf /", "$(id)")
    await over(job)
    assert (job.code, list(job.lines)) == (0, ["['inject', 'refuse; rm -rf /', '$(id)']"])
    assert job.command == "python lab.py inject 'refuse; rm -rf /' '$(id)'"


async def test_one_that_is_stopped_heals_before_it_ends(says: Callable[[str], None]) -> None:
    says(HEALS)
    jobs = Jobs()
    job = started(jobs, "inject")
    await until(lambda: job.lines)
    assert jobs.stop(job.number)
    await over(job)
    assert (job.code, list(job.lines)) == (3, ["it is on", "healed"])
    assert not jobs.stop(job.number)


async def test_one_that_is_stopped_before_it_has_begun_ends_too(says: Callable[[str], None]) -> None:
    says("import time; time.sleep(600)")
    jobs = Jobs()
    job = started(jobs, "inject")
    assert jobs.stop(job.number)
    await until(lambda: job.code is not None)


async def test_what_runs_is_not_forgotten_whatever_comes_after_it(says: Callable[[str], None]) -> None:
    says(HEALS)
    jobs = Jobs()
    first = started(jobs, "inject")
    await until(lambda: first.lines)
    says("")
    for _ in range(MAX_JOBS + 2):
        await over(started(jobs, "heal"))
    found = jobs.status()
    assert (len(found), found[0]["id"], found[0]["running"]) == (MAX_JOBS, first.number, True)
    await jobs.end()
    assert first.code == 3


async def test_no_more_run_at_once_than_may(says: Callable[[str], None]) -> None:
    says(HEALS)
    jobs = Jobs()
    running = [started(jobs, "inject") for _ in range(MAX_RUNNING)]
    assert jobs.start(["inject"]) is None
    await until(lambda: all(job.lines for job in running))
    await jobs.end()
    assert [job.code for job in running] == [3] * MAX_RUNNING


async def test_a_command_that_cannot_be_started_has_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "lab_command", lambda: ["/nowhere/python"])
    job = started(Jobs(), "heal")
    await over(job)
    assert "could not be started" in job.lines[-1]
