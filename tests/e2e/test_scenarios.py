"""Whole runs on real containers: one that passes, and defects of the lab and of the system that must not."""

from __future__ import annotations

import asyncio
import json
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from chaos.actuator import Injection, LinkEffect, Times
from driver.cli.options import engine_of
from driver.labs.fault_lab import FaultLab
from driver.labs.lab_actuator import LabActuator
from driver.labs.lease_renewer import LeaseRenewer
from driver.reference.run_subject import ReferenceSubject
from driver.results.judged_run import JudgedRun
from driver.runs.run import run
from driver.runs.run_request import RunRequest
from driver.scenarios.resolve import resolve
from driver.scenarios.scenario_file import load_scenario, resolved_yaml
from driver.terminal import Terminal
from tests.e2e.conftest import ROOT, SHORT_HERD, CommandLine, docker, new_command_line
from tests.e2e.forwarder import Forwarder
from tests.waiting import eventually_in_thread

ROUNDS, WORKERS = 2, 3


@pytest.fixture(scope="module")
def herd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[CommandLine, int]]:
    """A run of the short herd, and its exit status."""
    line = new_command_line(tmp_path_factory.mktemp("herd"))
    done = line.decided("scenario", str(SHORT_HERD), "--seed", "7")
    yield line, done.returncode
    line("down")


def test_a_thundering_herd_passes_with_the_figures_that_prove_it(herd: tuple[CommandLine, int]) -> None:
    line, code = herd
    found = line.verdict()
    assert (code, found["verdict"]) == (0, "passed"), found["because"]
    assert all({"check", "status", "because"} <= finding.keys() for finding in found["findings"])
    metrics = found["metrics"]
    assert metrics["reconnections"] >= ROUNDS * WORKERS
    assert set(metrics["reconnections_per_worker"]) == {"worker-1", "worker-2", "worker-3"}
    assert metrics["reconnection_time_mean_s"] > 0
    assert metrics["reconnection_time_p99_s"] > 0
    assert metrics["tasks_completed"] + metrics["tasks_failed"] == metrics["tasks_submitted"] > 0
    assert (line.run_folder() / "report.md").read_text()
    assert line.leftovers() == []


def test_a_stored_run_is_judged_the_same_again(herd: tuple[CommandLine, int]) -> None:
    line, code = herd
    first = line.verdict()
    again = [sys.executable, str(ROOT / "lab.py"), "judge", str(line.run_folder())]
    assert subprocess.run(again, capture_output=True, timeout=60).returncode == code
    assert line.verdict() == first


def test_a_run_whose_journal_was_altered_is_judged_otherwise(
    herd: tuple[CommandLine, int], tmp_path: Path
) -> None:
    altered = tmp_path / "altered"
    shutil.copytree(herd[0].run_folder(), altered)
    journal = altered / "journals" / "coordinator" / "coordinator.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    done = [line for line in lines if b'"event":"task_done"' in line]
    journal.write_bytes(b"".join([*lines, done[0]]))
    judge = [sys.executable, str(ROOT / "lab.py"), "judge", str(altered)]
    assert subprocess.run(judge, capture_output=True, timeout=60).returncode == 2
    findings = json.loads((altered / "verdict.json").read_bytes())["findings"]
    found = {one["check"]: one["because"] for one in findings if one["status"] == "unknown"}
    assert "coordinator" in found["journals_complete"]


def test_an_engine_elsewhere_keeps_the_journals_until_they_are_fetched(
    lab: CommandLine, tmp_path: Path
) -> None:
    """An engine behind TCP may share no files with the lab."""
    forwarder = Forwarder(socket.create_server(("127.0.0.1", 0)))
    lab.environment["DOCKER_HOST"] = f"tcp://127.0.0.1:{forwarder.port}"
    done = lab.decided("scenario", str(SHORT_HERD), "--seed", "3")
    forwarder.cut()
    assert done.returncode == 0, done.stdout + done.stderr
    assert (lab.run_folder() / "journals" / "worker-3" / "worker-3.jsonl").read_bytes()


def test_faults_that_do_nothing_are_inconclusive(lab: CommandLine) -> None:
    class Idle(LabActuator):
        """Reports that it injected each fault, and does nothing."""

        async def inject_links(self, injection: Injection, effect: LinkEffect) -> Times:
            return dict.fromkeys(injection.targets, time.monotonic_ns())

        async def heal_links(self, fault_id: str) -> Times:
            return {}

    judged = asyncio.run(_run(lab, Idle))
    assert judged.verdict.verdict.value == "inconclusive"
    unknown = [finding.check for finding in judged.verdict.findings if finding.status.value == "unknown"]
    assert {"faults_were_proved", "workers_were_cut_off"} <= set(unknown)


def test_a_worker_that_drops_results_fails(lab: CommandLine) -> None:
    folder = Path(__file__).with_name("dropping_worker")
    name = f"stormlab-e2e/dropping-worker:{lab.project}"
    docker("build", "--quiet", "--build-arg", "WORKER=stormlab/worker:dev", "-t", name, str(folder))
    lab.environment["STORMLAB_WORKER_IMAGE"] = name
    try:
        done = lab.decided("scenario", str(SHORT_HERD), "--seed", "7")
    finally:
        docker("image", "rm", "--force", name)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "FAILED: " in done.stdout


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_run_that_is_stopped_heals_keeps_what_it_has_and_takes_down(
    lab: CommandLine, number: signal.Signals
) -> None:
    driver = lab.started("scenario", str(SHORT_HERD), "--seed", "7")
    _wait_for(lambda: b"fault_begun" in _driver_journal(lab))
    driver.send_signal(number)
    # A second one must not break the healing that the first began.
    driver.send_signal(number)
    said, _ = driver.communicate(timeout=60)
    assert driver.returncode == 2, said
    assert "Stopped: healing, keeping what was collected, and taking down." in said
    assert "Traceback" not in said
    assert b'"event":"healed"' in _driver_journal(lab)
    assert lab.verdict()["verdict"] == "inconclusive"
    assert (lab.run_folder() / "logs" / "worker-1.log").read_text()
    assert lab.leftovers() == []


def test_down_leaves_nothing_of_a_run_whose_driver_was_killed(lab: CommandLine) -> None:
    driver = lab.started("scenario", str(SHORT_HERD), "--seed", "7")
    _wait_for(lambda: b"fault_begun" in _driver_journal(lab))
    driver.kill()
    driver.communicate(timeout=10)
    assert lab.leftovers() != []
    assert lab("down").returncode == 0
    assert lab.leftovers() == []


def test_a_lab_that_is_up_is_replaced_on_request_and_its_like_left_up(lab: CommandLine) -> None:
    assert lab("up", "--workers", "1").returncode == 0
    words = ["scenario", str(SHORT_HERD), "--seed", "9", "--duration", "11", "--var", "rounds=1"]
    refused = lab(*words)
    assert refused.returncode == 64
    assert "is up with 1 worker; a run needs containers of its own" in refused.stderr
    done = lab(*words, "--replace")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "is up; this run replaces its containers." in done.stderr
    found = json.loads(lab("status", "--json").stdout)
    assert [worker["name"] for worker in found["coordinator"]["workers"]] == ["worker-1"]
    # `top` and the dashboard follow it as they follow one that `up` started.
    shown = lab("top", "--once")
    assert "1/1 connected" in shown.stdout, shown.stderr


async def _run(
    line: CommandLine, make_actuator: Callable[[FaultLab, LeaseRenewer], LabActuator]
) -> JudgedRun:
    loaded = load_scenario(SHORT_HERD)
    plan = resolve(loaded, 7)
    request = RunRequest(plan, resolved_yaml(loaded), line.results, make_actuator=make_actuator)
    with Terminal() as terminal:
        subject = ReferenceSubject(plan, engine_of(line.project), terminal, port=line.port)
        return await run(request, subject, terminal)


def _driver_journal(line: CommandLine) -> bytes:
    path = line.results / "latest" / "journals" / "driver.jsonl"
    return path.read_bytes() if path.exists() else b""


def _wait_for(condition: Callable[[], bool], limit_s: float = 90.0) -> None:
    eventually_in_thread(condition, within_s=limit_s, poll_s=0.1)
