"""On every engine a lab comes up, changes its number of workers, goes down, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys

import pytest

from chaos.targets import SERVER
from driver.engines.engine import CORE
from driver.engines.engine_kind import EngineKind
from driver.host_ports import answers
from driver.labs.lab_journals import remove_journals
from driver.labs.take_down import take_down
from driver.paths import project_root
from driver.reference.labs.lab import Lab, lab_of
from driver.terminal import Terminal
from tests.conformance.harness import (
    NAMES,
    WORKERS,
    connected,
    engine_for,
    new_lab,
    reserved,
    scaled,
    wait_connected,
)
from tests.conformance.observers import identity, is_there, pid_of, writers
from tests.waiting import eventually_in_thread
from wire.address import worker_name

MORE = 5
BEGUN_WITHIN_S = 120.0


def test_a_lab_has_its_core_and_its_workers(lab: Lab) -> None:
    found = {one.name: one.status for one in lab.engine.containers()}
    assert found == dict.fromkeys([*CORE, *NAMES], "running") | {
        name: status for name, status in found.items() if name == "prober"
    }
    assert all(pid_of(lab, name) for name in [*CORE, *NAMES])


def test_the_engine_reads_back_what_the_lab_was_started_with(lab: Lab) -> None:
    assert lab.engine.existing_spec() == lab.spec


def test_more_workers_join_and_fewer_remain_while_the_first_go_on(lab: Lab) -> None:
    before = {name: pid_of(lab, name) for name in NAMES}
    scaled(lab.engine, lab.spec, MORE)
    wait_connected(lab, [worker_name(index) for index in range(1, MORE + 1)])
    scaled(lab.engine, lab.spec, WORKERS)
    names = [one.name for one in lab.engine.containers() if one.name.startswith("worker")]
    assert names == NAMES
    assert {name: pid_of(lab, name) for name in NAMES} == before
    assert connected(lab) >= set(NAMES)


def test_a_lab_that_goes_down_leaves_nothing(kind: EngineKind) -> None:
    engine = engine_for(kind, "down")
    try:
        lab = new_lab(engine)
        assert kind.holds(engine.project)
        wait_connected(lab)
        pids = {name: pid_of(lab, name) for name in [*CORE, *NAMES]}
        processes = {name: identity(pid) for name, pid in pids.items() if pid is not None}
        assert processes.keys() == pids.keys()
        removed = asyncio.run(take_down(engine, Terminal()))
        assert (removed.containers, removed.left) == (len(CORE) + WORKERS, [])
        assert engine.containers() == []
        assert not kind.holds(engine.project)
        assert [name for name, one in processes.items() if is_there(one)] == []
        assert not answers(lab.spec.host, lab.spec.toxiproxy_port, 1.0)
        assert not answers(lab.spec.host, lab.spec.control_port, 1.0)
    finally:
        asyncio.run(take_down(engine, Terminal()))
        remove_journals(engine.project)


@pytest.mark.timeout(400)
def test_a_start_that_is_killed_leaves_nothing_after_down(kind: EngineKind) -> None:
    engine = engine_for(kind, "killed")
    wanted = reserved(engine)
    port = wanted.toxiproxy_port
    lab_py = [sys.executable, str(project_root() / "lab.py")]
    own = ["--project", engine.project, "--engine", kind.name]
    up = subprocess.Popen(
        [*lab_py, "up", "--workers", "20", "--port", str(port), *own],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    try:
        eventually_in_thread(
            lambda: any(one.name.startswith("worker") for one in engine.containers()), "a worker",
            BEGUN_WITHIN_S, 0.05,
        )  # fmt: skip
        os.kill(up.pid, signal.SIGKILL)
        up.wait(30)
        spec = engine.existing_spec()
        names = [SERVER, *(worker_name(index) for index in range(1, 21))]
        processes = writers(lab_of(engine, spec), names) if spec is not None else []
        down = subprocess.run([*lab_py, "down", *own], capture_output=True, text=True, timeout=240)
        assert down.returncode == 0, down.stderr
        assert "nothing is left" in down.stdout
        assert not kind.holds(engine.project)
        assert not answers(wanted.host, port, 1.0)
        assert [one for one in processes if is_there(one)] == []
    finally:
        if up.poll() is None:
            up.kill()
            up.wait(30)
        asyncio.run(take_down(engine, Terminal()))
        remove_journals(engine.project)
