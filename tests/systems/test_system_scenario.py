"""Claims about scenarios on a foreign system, on real containers: verdicts, receipts, a defect that fails."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from driver.cli.options import build_environment
from driver.engines import images
from driver.engines.compose_engine import ComposeEngine
from driver.exit_codes import ExitCode
from driver.paths import project_root
from driver.systems.system_request import project_of
from tests.systems.test_doors import WORKER, left_of

LIMIT_S = 300.0
NODE = project_root() / "examples" / "doors" / "node.py"
COMPOSE = f"""\
name: pair
x-node: &node
  image: ${{PYTHON_IMAGE}}
  init: true
  volumes: ["{NODE}:/node.py:ro", "./client.py:/client.py:ro"]
services:
  store: {{<<: *node, entrypoint: ["${{PYTHON}}", /node.py, serve, "7000"], expose: ["7000"]}}
  client:
    <<: *node
    entrypoint: ["${{PYTHON}}", -u, /client.py]
    restart: "no"
    depends_on: [store]
"""
CLIENT = """\
import socket, sys, time
AGAIN = {again}
while True:
    try:
        with socket.create_connection(("store", 7000), 2) as one:
            lines = one.makefile("rb")
            while True:
                one.sendall(b"hello\\n")
                if not lines.readline():
                    raise OSError("end of stream")
                time.sleep(0.1)
    except OSError as error:
        print("lost the store:", error)
        if not AGAIN:
            sys.exit(1)
        time.sleep(0.2)
"""
SCENARIO = """\
# A client whose store is away for three seconds goes on.
system: compose.yaml
duration: 18s
warmup: 5s
converge: 10s
timeline:
  - {fault: refuse, targets: "client->store", at: 6s, for: 3s}
  - {fault: kill, targets: store, at: 13s, for: 2s}
expect:
  - no_process_died
  - faults_were_proved
"""


@pytest.fixture(scope="module", autouse=True)
def environment() -> Iterator[None]:
    """The images of the system's choice."""
    ComposeEngine("scenario-test", project_root(), build_environment).ensure_images(
        ["toxiproxy", "worker"], print
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHON_IMAGE", images.reference(WORKER, project_root()))
        patch.setenv("PYTHON", "/venv/bin/python")
        yield


def lab_py(*words: object) -> subprocess.CompletedProcess[str]:
    """A command of lab.py that has ended."""
    argv = [sys.executable, str(project_root() / "lab.py"), *map(str, words)]
    return subprocess.run(argv, capture_output=True, text=True, timeout=LIMIT_S)


def system_in(folder: Path, again: bool) -> Path:
    """A scenario on a system of two services; `again`: its client connects again after a loss."""
    (folder / "compose.yaml").write_text(COMPOSE)
    (folder / "client.py").write_text(CLIENT.format(again=again))
    (folder / "pair.yaml").write_text(SCENARIO)
    return folder / "pair.yaml"


def test_a_client_that_connects_again_passes_with_a_receipt_for_each_fault(tmp_path: Path) -> None:
    scenario, results = system_in(tmp_path, again=True), tmp_path / "results"
    done = lab_py("scenario", scenario, "--results", results)
    assert done.returncode == ExitCode.PASSED, done.stdout + done.stderr
    run = (results / "latest").resolve()
    record = json.loads((run / "run.json").read_bytes())
    assert record["system"]["services"] == {"client": 1, "store": 1}
    assert record["system"]["links"] == ["client[1]->store:7000"]
    assert {"driver", "prober", "door-1"} == set(record["processes"])
    assert {one.name for one in (run / "logs").iterdir()} >= {"client[1].log", "store[1].log"}
    lines = (run / "journals" / "driver.jsonl").read_text().splitlines()
    receipts = [json.loads(line) for line in lines if '"event":"receipt"' in line]
    assert [(one["kind"], one["hit"], one["proved"]) for one in receipts] == [
        ("refuse", ["client[1]->store:7000"], True),
        ("kill", ["store[1]"], True),
    ]
    assert not [word for word in ("worker", "coordinator", "task") if word in done.stdout]
    assert left_of(project_of(tmp_path / "compose.yaml")) == []
    again = lab_py("judge", run)
    assert again.returncode == ExitCode.PASSED, again.stdout


def test_a_client_that_ends_at_a_loss_fails_the_same_scenario(tmp_path: Path) -> None:
    scenario, results = system_in(tmp_path, again=False), tmp_path / "results"
    done = lab_py("scenario", scenario, "--results", results)
    assert done.returncode == ExitCode.FAILED, done.stdout + done.stderr
    assert "no_process_died: client[1] was exited at the end, exit code 1" in done.stdout
    assert "lost the store" in done.stdout
    assert left_of(project_of(tmp_path / "compose.yaml")) == []


def test_a_link_that_is_not_there_is_refused_before_anything_starts(tmp_path: Path) -> None:
    scenario = system_in(tmp_path, again=True)
    scenario.write_text(SCENARIO.replace("client->store", "store->client"))
    done = lab_py("scenario", scenario, "--dry-run")
    assert done.returncode == ExitCode.WRONG_USE
    assert "pair.yaml:7: `timeline[0].targets`: 'store->client' names no link" in done.stderr
