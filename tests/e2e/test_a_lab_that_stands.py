"""`up`, `status`, `logs`, `inject`, `heal` and `down` on real containers."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import msgspec
import pytest
import requests

from driver.cli.options import engine_of
from driver.engines.compose_environment import variables
from driver.labs.project_name import default_project, note_project
from tests.e2e.conftest import ROOT, CommandLine, docker
from tests.waiting import eventually_in_thread
from wire.control import Submission, TaskSpec, authorization

OPEN = "import socket,sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), 3)"


def test_docker_compose_lists_every_container(standing: CommandLine) -> None:
    listed = docker("compose", "-p", standing.project, "ps", "--format", "json")
    found = [json.loads(line) for line in listed.splitlines()]
    assert sorted(one["Service"] for one in found) == ["coordinator", "toxiproxy", *["worker"] * 3]
    assert {one["State"] for one in found} == {"running"}


def test_status_shows_which_workers_are_connected(standing: CommandLine) -> None:
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


HUNT = """
import os, sys
found = []
def read(path):
    try:
        with open(path, "rb") as file:
            return file.read(1 << 20)
    except OSError:
        return b""
for entry in filter(str.isdigit, os.listdir("/proc")):
    for name in ("environ", "cmdline"):
        found.append(read(f"/proc/{entry}/{name}"))
    try:
        found += [read(f"/proc/{entry}/fd/{fd}") for fd in os.listdir(f"/proc/{entry}/fd") if entry != "self"]
    except OSError:
        pass
for top in ("/run", "/tmp", "/journal", "/app", "/etc", "/store", "/var", "/mnt", "/root"):
    for folder, _, files in os.walk(top):
        found += [read(os.path.join(folder, name)) for name in files]
key = sys.argv[1][::-1]
print(os.getuid(), len(found), sum(key.encode() in one for one in found), len(read("/proc/1/environ")))
"""


def test_a_task_cannot_read_the_key_of_its_fleet(standing: CommandLine) -> None:
    engine = engine_of(standing.project)
    spec = engine.existing_spec()
    assert spec is not None
    # Reversed, so that the search does not find its own argument.
    task = TaskSpec(
        task_id="search", kind="command",
        params=msgspec.Raw(msgspec.json.encode({"argv": ["/venv/bin/python", "-c", HUNT, spec.key[::-1]]})),
    )  # fmt: skip
    control = f"http://{spec.host}:{spec.control_port}"
    answer = requests.post(
        f"{control}/tasks?wait_ms=30000", data=msgspec.json.encode(Submission([task])),
        headers=authorization(spec.control_token), timeout=40,
    )  # fmt: skip
    (result,) = answer.json()["results"]
    uid, looked, found, of_the_start = json.loads(result["output"])["stdout"].split()
    assert (uid, found, of_the_start) == ("10001", "0", "0"), result
    assert int(looked) > 20
    for headers in ({}, authorization(spec.control_token) | {"Origin": "http://evil.example"}):
        assert requests.post(f"{control}/tasks", data=b"{}", headers=headers, timeout=5).status_code in (
            401,
            403,
        )


def test_a_second_lab_on_the_same_port_is_refused_by_name(standing: CommandLine, lab: CommandLine) -> None:
    lab.port = standing.port
    done = lab("up", "--workers", "1")
    assert done.returncode == 64
    assert f"Port {standing.port} on 127.0.0.1 is taken by container {standing.project}" in done.stderr
    assert lab.leftovers() == []


def test_two_labs_run_side_by_side(standing: CommandLine, lab: CommandLine) -> None:
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


def test_an_injection_names_its_targets_and_changes_none(standing: CommandLine) -> None:
    done = standing("inject", "latency", "--mean", "50ms", "--workers", "2-3", "--dry-run")
    assert "It would hit worker-2, worker-3" in done.stdout
    wait_for_faults(standing, 0)


def test_an_injection_ends_with_its_effect_and_its_receipt(standing: CommandLine) -> None:
    done = standing("inject", "cut", "worker-1")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "effect: cut off 1 worker, all back " in done.stdout
    assert "proved: seen on worker-1: " in done.stdout


@pytest.mark.parametrize(("side", "how", "other"), [("client", "fin", "server"), ("server", "rst", "client")])
def test_a_close_of_one_end_by_hand_is_proved_at_both_ends_and_the_worker_is_back(
    standing: CommandLine, side: str, how: str, other: str
) -> None:
    done = standing("inject", "one_sided_close", "worker-1", "--side", side, "--how", how, "--for", "8s")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "effect: cut off 1 worker, all back" in done.stdout
    seen = f"{how.upper()} at the {side}'s end; the {other}'s stayed open and silent"
    assert f"proved: seen on worker-1: {seen}" in done.stdout


@pytest.mark.parametrize("fault", ["refuse", "pause"])
def test_heal_ends_an_injection_of_another_terminal(standing: CommandLine, fault: str) -> None:
    injector = standing.started("inject", fault, "--workers", "1")
    wait_for_faults(standing, 1)
    assert "until Ctrl-C or heal" in standing("faults").stdout
    done = standing("heal")
    assert "worker-1" in done.stdout, done.stderr
    said, _ = injector.communicate(timeout=60)
    assert injector.returncode == 2, said
    assert "`heal` was called; ending it now." in said
    assert f"{fault} was ended elsewhere after " in said
    wait_for_faults(standing, 0)


def test_a_load_by_hand_gives_the_workers_something_to_do(standing: CommandLine) -> None:
    told = json.loads(standing("load", "--rate", "50/s", "--for", "2s", "--json").stdout)
    assert told["accepted"] == told["done"] > 50
    assert (told["failed"], told["left"]) == (0, 0)


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
    """Wait until exactly `count` faults are on, on links and containers together."""

    def are_on() -> bool:
        told = json.loads(line("faults", "--json").stdout)
        return len(told["links"]) + len(told["containers"]) == count

    eventually_in_thread(are_on, lambda: f"{count} faults; found {line('faults').stdout}", limit_s, 0.1)


def test_replicas_that_compose_scaled_by_hand_are_named_and_up_makes_them_whole(lab: CommandLine) -> None:
    assert lab("up", "--workers", "1").returncode == 0
    spec = engine_of(lab.project).existing_spec()
    assert spec is not None
    scale = ["docker", "compose", "-p", lab.project, "up", "-d", "--no-recreate", "--no-deps"]
    subprocess.run(
        [*scale, "--scale", "worker=2", "worker"], env={**os.environ, **variables(spec)}, check=True,
        capture_output=True, timeout=60, cwd=ROOT,
    )  # fmt: skip
    advice = "Links are made by `python lab.py up --workers N`, and by nothing else"
    deadline = time.monotonic() + 30
    while advice not in lab("logs", "worker-2").stdout:
        assert time.monotonic() < deadline, lab("logs", "worker-2").stdout
    assert "worker-2 has no link" in lab("status").stdout
    assert lab("up", "--workers", "2").returncode == 0
    told = json.loads(lab("status", "--json").stdout)
    assert told["without_link"] == []
    assert [worker["state"] for worker in told["coordinator"]["workers"]] == ["connected"] * 2


def test_docker_compose_in_a_checkout_means_the_lab_of_that_checkout(tmp_path: Path) -> None:
    for name in ("compose.yaml", "lab.py"):
        shutil.copy(ROOT / name, tmp_path)
    note_project(tmp_path)
    shown = subprocess.run(
        ["docker", "compose", "config", "--format", "json"], cwd=tmp_path, check=True, capture_output=True,
        timeout=60,
    )  # fmt: skip
    assert json.loads(shown.stdout)["name"] == default_project(tmp_path) != "stormlab"
