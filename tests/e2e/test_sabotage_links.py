"""Links that others make slow, through Toxiproxy's API or in the kernel, are named; no such run passes."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator

import pytest

from tests.e2e.conftest import docker, new_command_line
from tests.e2e.sabotage import Ended, Sabotage, sabotaged

WORKLOAD = """
converge: 10s
warmup: 8s
workload:
  rate: 15/s
  kinds:
    - {kind: noop, share: 100%}
"""
SLOWED = f"""\
# Links that no fault is aimed at, and that others make slow: one by Toxiproxy, all by the kernel.
workers: 3
duration: 31s
{WORKLOAD}
timeline:
  - {{id: early, fault: latency, mean: 50ms, targets: worker-1, at: 9s, for: 8s}}
  - {{id: later, fault: latency, mean: 50ms, targets: worker-1, at: 20s, for: 8s}}
"""


@pytest.fixture(scope="module")
def slowed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ended]:
    line = new_command_line(tmp_path_factory.mktemp("slowed"))
    run = sabotaged(line, tmp_path_factory.mktemp("scenario"), SLOWED)
    try:
        run.at("early", 1)
        run.put_on("worker-2", "delay", "downstream", mean_ms=100)
        run.at("early", 7)
        run.take_away("worker-2", "delay")
        run.at("later", 0.5)
        narrow = _in_network_of(run, "coordinator")
        device = _device(narrow)
        queue = ["tbf", "rate", "250kbit", "burst", "4kb", "latency", "2s"]
        subprocess.run([*narrow, "tc", "qdisc", "add", "dev", device, "root", *queue], check=True, timeout=10)
        run.at("later", 7)
        subprocess.run([*narrow, "tc", "qdisc", "del", "dev", device, "root"], check=True, timeout=10)
        yield run.ended()
    finally:
        line("down")


def test_a_spared_link_that_others_made_slow_is_named(slowed: Ended) -> None:
    doubt = slowed.unproved_because("early")
    assert "worker-2 should be unaffected" in doubt, doubt


def test_a_narrow_cable_of_the_coordinator_is_named(slowed: Ended) -> None:
    assert slowed.unproved_because("later")


def test_such_slowness_makes_the_run_inconclusive(slowed: Ended) -> None:
    assert (slowed.code, slowed.verdict) == (2, "inconclusive"), slowed.said


def _in_network_of(run: Sabotage, name: str) -> list[str]:
    """The words before a command that runs it in a container's network namespace."""
    (inspected,) = json.loads(docker("inspect", run.container(name)))
    return ["nsenter", "--target", str(inspected["State"]["Pid"]), "--net"]


def _device(inside: list[str]) -> str:
    """The interface that carries what is under test: its network's addresses begin so."""
    found = subprocess.run(
        [*inside, "ip", "-o", "-4", "addr"], check=True, timeout=10, capture_output=True, text=True
    )
    return next(line.split()[1] for line in found.stdout.splitlines() if " 10.231." in line)
