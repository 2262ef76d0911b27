"""`up`, `status`, `logs`, `inject`, `heal` and `down` on real containers."""

from __future__ import annotations

import json
import signal
import time

import pytest

from tests.e2e.conftest import CommandLine, docker

OPEN = "import socket,sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), 3)"


def test_docker_compose_sees_every_container_healthy(standing: CommandLine) -> None:
    listed = docker("compose", "-p", standing.project, "ps", "--format", "json")
    health = {one["Service"]: one["Health"] for one in map(json.loads, listed.splitlines())}
    assert health == {"toxiproxy": "healthy", "coordinator": "healthy", "worker": "healthy"}
    assert len(listed.splitlines()) == 5


def test_status_tells_who_is_connected(standing: CommandLine) -> None:
    told = json.loads(standing("status", "--json").stdout)
    assert [worker["state"] for worker in told["coordinator"]["workers"]] == ["connected"] * 3
    assert sorted(link["name"] for link in told["links"]) == ["worker-1", "worker-2", "worker-3"]


def test_logs_name_their_worker(standing: CommandLine) -> None:
    lines = standing("logs", "worker-2").stdout.splitlines()
    assert any("worker-2 connected" in line for line in lines)


def test_a_worker_reaches_its_link_and_not_the_coordinator(standing: CommandLine) -> None:
    coordinator = json.loads(docker("inspect", f"{standing.project}-coordinator-1"))[0]
    worker = f"{standing.project}-worker-1"
    docker("exec", worker, "/venv/bin/python", "-c", OPEN, "toxiproxy", "20001")
    for network in coordinator["NetworkSettings"]["Networks"].values():
        for port in ("8765", "8766"):
            address = network["IPAddress"]
            opens = f"{OPEN}; print('opened')"
            said = docker("exec", worker, "/venv/bin/python", "-c", opens, address, port, check=False)
            assert "opened" not in said, f"{worker} opened {address}:{port}"


def test_a_second_lab_on_the_same_port_is_refused_by_name(standing: CommandLine, lab: CommandLine) -> None:
    lab.port = standing.port
    done = lab("up", "--workers", "1")
    assert done.returncode == 64
    assert f"Port {standing.port} on 127.0.0.1 is taken by container {standing.project}" in done.stderr
    assert lab.leftovers() == []


def test_two_labs_stand_side_by_side(standing: CommandLine, lab: CommandLine) -> None:
    assert lab("up", "--workers", "1").returncode == 0
    assert json.loads(standing("status", "--json").stdout)["up"]


def test_a_fault_outlives_its_killed_injector_by_seconds_only(standing: CommandLine) -> None:
    injector = standing.started("inject", "refuse", "--workers", "worker-1,worker-2")
    wait_for_faults(standing, 1)
    injector.send_signal(signal.SIGKILL)
    injector.wait(10)
    wait_for_faults(standing, 0, limit_s=12)


def test_the_next_command_restores_what_a_killed_injector_left(standing: CommandLine) -> None:
    injector = standing.started("inject", "pause", "worker-3")
    wait_for_faults(standing, 1)
    injector.send_signal(signal.SIGKILL)
    injector.wait(10)
    assert "Restored worker-3, which a fault had left paused." in standing("status").stderr
    wait_for_faults(standing, 0)


def test_heal_starts_what_was_ended_and_verifies_it(standing: CommandLine) -> None:
    docker("kill", f"{standing.project}-worker-3")
    done = standing("heal")
    assert done.returncode == 0, done.stderr
    assert "Healed worker-3. Verified" in done.stdout
    wait_for_faults(standing, 0)


def test_an_injection_says_whom_it_would_hit_and_touches_nobody(standing: CommandLine) -> None:
    done = standing("inject", "latency", "--mean", "50ms", "--workers", "2-3", "--dry-run")
    assert "It would hit worker-2, worker-3" in done.stdout
    wait_for_faults(standing, 0)


@pytest.mark.parametrize("state", ["running", "paused", "killed"])
def test_down_leaves_nothing_whatever_the_state(lab: CommandLine, state: str) -> None:
    assert lab("up", "--workers", "1").returncode == 0
    if state == "paused":
        docker("pause", f"{lab.project}-worker-1", f"{lab.project}-toxiproxy-1")
    if state == "killed":
        docker("kill", f"{lab.project}-coordinator-1", f"{lab.project}-worker-1")
    done = lab("down")
    assert done.returncode == 0, done.stderr
    assert "nothing is left" in done.stdout
    assert lab.leftovers() == []


def wait_for_faults(line: CommandLine, count: int, limit_s: float = 20.0) -> None:
    """Wait until exactly so many faults are on, on links and containers together."""
    deadline = time.monotonic() + limit_s
    while True:
        told = json.loads(line("faults", "--json").stdout)
        if len(told["links"]) + len(told["containers"]) == count:
            return
        assert time.monotonic() < deadline, f"expected {count} faults; found {told}"
        time.sleep(0.2)
