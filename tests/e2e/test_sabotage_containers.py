"""What others do to the containers of a run, and to its driver, is named, and no such run passes."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import new_command_line
from tests.e2e.sabotage import Ended, sabotaged

WORKLOAD = """
converge: 10s
warmup: 2s
workload:
  rate: 15/s
  kinds:
    - {kind: noop, share: 100%}
"""
MAIN = r"""$(sed -n 's/^\([0-9]*\) .*) . 1 .*/\1/p' /proc/[0-9]*/stat | sort -n | head -1)"""
"""The main process inside a container: the first child of its init."""
INTERRUPTED = f"""\
# Container faults that others interrupt, beside workers that others pause, limit and stop.
workers: 8
duration: 20s
{WORKLOAD}
timeline:
  - {{id: kill, fault: kill, targets: worker-1, at: 4s, for: 10s}}
  - {{id: unplug, fault: unplug, targets: worker-2, at: 4s, for: 10s}}
  - {{id: cpu, fault: cpu, cores: 0.2, targets: worker-3, at: 4s, for: 10s}}
  - {{id: pause, fault: pause, targets: worker-4, at: 4s, for: 10s}}
  - {{id: whole, fault: memory, limit: 100MiB, targets: worker-5, at: 4s, for: 10s}}
"""
UNEXPLAINED = f"""\
# A worker that others kill under latency, a partition with a kill in it, a paused worker without cable.
workers: 5
duration: 24s
{WORKLOAD}
timeline:
  - {{id: late, fault: latency, mean: 50ms, targets: worker-1, at: 4s, for: 6s}}
  - {{id: frozen, fault: pause, targets: worker-2, at: 4s, for: 12s}}
  - {{id: unplugged, fault: unplug, targets: worker-2, at: 6s, for: 8s}}
  - {{id: parted, fault: partition, targets: worker-3, at: 12s, for: 8s}}
  - {{id: crash, fault: kill, targets: coordinator, at: 14s, for: 2s}}
"""
STOPPED = f"""\
# A driver that is paused while a fault is on, for longer than the fault's lease.
workers: 2
duration: 14s
{WORKLOAD}
timeline:
  - {{id: late, fault: latency, mean: 50ms, targets: worker-1, at: 3s, for: 6s}}
"""


@pytest.fixture(scope="module")
def interrupted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ended]:
    """Each fault is lifted in the middle of its window and put back; worker-6 to worker-8 have none."""
    line = new_command_line(tmp_path_factory.mktemp("interrupted"))
    run = sabotaged(line, tmp_path_factory.mktemp("scenario"), INTERRUPTED)
    one, two, three, four, six, seven, eight = (
        run.container(f"worker-{number}") for number in (1, 2, 3, 4, 6, 7, 8)
    )
    try:
        run.at("pause", 3)
        run.docker("start", one)
        run.docker("network", "connect", run.network("links"), two)
        run.docker("update", "--cpu-quota", "-1", three)
        run.docker("unpause", four)
        run.docker("pause", six)
        run.docker("update", "--cpu-period", "100000", "--cpu-quota", "5000", seven)
        run.docker("exec", eight, "sh", "-c", f"kill -STOP {MAIN}")
        run.at("pause", 6)
        run.docker("kill", one)
        run.docker("network", "disconnect", run.network("links"), two)
        run.docker("update", "--cpu-quota", "20000", three)
        run.docker("pause", four)
        run.docker("unpause", six)
        run.docker("exec", eight, "sh", "-c", f"kill -CONT {MAIN}")
        run.docker("update", "--cpu-quota", "100000", seven)
        yield run.ended()
    finally:
        line("down")


@pytest.mark.parametrize("fault", ["kill", "unplug", "cpu", "pause"])
def test_a_container_fault_that_was_lifted_and_put_back_is_not_proved(interrupted: Ended, fault: str) -> None:
    doubt = interrupted.unproved_because(fault)
    assert "it did not hold through its" in doubt, doubt
    assert "of the time is proved" in doubt
    assert 0.2 < interrupted.receipts[fault]["measured"]["proved_ratio"] < 0.95


def test_a_fault_beside_them_that_was_not_changed_is_proved(interrupted: Ended) -> None:
    interrupted.assert_proved("whole")


def test_workers_that_others_paused_limited_and_stopped_are_named(interrupted: Ended) -> None:
    because = interrupted.because("lab_was_sound", "unknown")
    assert "worker-6 was paused" in because
    assert "worker-7 was under another processor limit" in because
    assert "worker-8 was paused" in because


def test_such_a_run_is_inconclusive(interrupted: Ended) -> None:
    assert (interrupted.code, interrupted.verdict) == (2, "inconclusive"), interrupted.said


@pytest.fixture(scope="module")
def unexplained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ended]:
    """worker-1 is killed by hand while it is a target of latency, and started again."""
    line = new_command_line(tmp_path_factory.mktemp("unexplained"))
    run = sabotaged(line, tmp_path_factory.mktemp("scenario"), UNEXPLAINED)
    try:
        run.at("late", 2)
        run.docker("kill", run.container("worker-1"))
        run.at("late", 3)
        run.docker("start", run.container("worker-1"))
        yield run.ended()
    finally:
        line("down")


def test_a_fault_that_cannot_end_a_process_excuses_no_end(unexplained: Ended) -> None:
    because = unexplained.because("no_process_died", "failed")
    assert "worker-1 ended" in because
    assert "another client of the engine sent it signal 9" in because
    assert (unexplained.code, unexplained.verdict) == (1, "failed")


@pytest.mark.parametrize("fault", ["frozen", "unplugged", "parted", "crash"])
def test_faults_upon_faults_are_proved(unexplained: Ended, fault: str) -> None:
    unexplained.assert_proved(fault)


def test_a_driver_that_was_stopped_proves_nothing(tmp_path: Path) -> None:
    line = new_command_line(tmp_path)
    run = sabotaged(line, tmp_path, STOPPED)
    try:
        run.at("late", 1)
        run.signal(signal.SIGSTOP)
        run.at("late", 13)
        run.signal(signal.SIGCONT)
        ended = run.ended()
    finally:
        line("down")
    assert (ended.code, ended.verdict) == (2, "inconclusive"), ended.said
    assert "the driver itself was late by" in ended.because("driver_was_punctual", "unknown")
    assert ended.unproved_because("late")
