"""How long `lab.py up --system` takes for a system of six services, with doors before its servers.

Measured: seconds from the command until every service is healthy behind its doors. Against: `docker compose
up -d --wait` of the same file without doors. Fair, because both start from nothing with the images local, in
turn, and end when every health check has passed; ours does strictly more, and the ratio is its price.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.pairs import estimate, in_turn, ratios
from benchmarks.row import Row, at_most

ROOT = Path(__file__).resolve().parent.parent
NODE = ROOT / "examples/doors/node.py"
THEIRS = "bench-plain"
PYTHON = "/venv/bin/python"
ROUNDS = 9
PORTS = {"db": 5432, "cache": 6379, "broker": 4222, "api": 8000, "web": 8080}
WAITS_FOR = {"api": ("db", "cache", "broker"), "worker": ("db", "broker"), "web": ("api",)}
"""Each of these starts once the others are healthy."""


def run(*command: str, timeout_s: float = 300) -> str:
    """The output of a command; raises RuntimeError with it when it fails."""
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=timeout_s, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} ended {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def service(name: str, image: str) -> dict[str, Any]:
    """A service of the Compose file: a server with a health check, or the worker, which calls two of them."""
    port = PORTS.get(name)
    command = ["call", "db:5432", "broker:4222"] if port is None else ["serve", str(port)]
    host, at = ("db", 5432) if port is None else ("127.0.0.1", port)
    check = f"import socket; socket.create_connection(({host!r}, {at}))"
    return {
        "image": image,
        "init": True,
        "entrypoint": [PYTHON, "/node.py"],
        "command": command,
        "volumes": ["./node.py:/node.py:ro"],
        "stop_grace_period": "1s",
        "healthcheck": {
            "test": ["CMD", PYTHON, "-c", check],
            "interval": "5s",
            "start_period": "20s",
            "start_interval": "500ms",
        },
        "depends_on": {other: {"condition": "service_healthy"} for other in WAITS_FOR.get(name, ())},
        **({"expose": [str(port)]} if port is not None else {}),
        **({"ports": [f"127.0.0.1::{port}"]} if name == "web" else {}),
    }


def plain_s(file: Path) -> float:
    """Seconds until Compose started the system, and it is healthy; it is taken down again."""
    compose = ("docker", "compose", "-p", THEIRS, "-f", str(file))
    began = time.monotonic()
    run(*compose, "up", "-d", "--wait")
    took = time.monotonic() - began
    run(*compose, "down", "-t", "0")
    return took


def doors_s(file: Path) -> float:
    """Seconds until the system is up behind doors; it is taken down again."""
    lab, system = (sys.executable, "lab.py"), ("--system", str(file))
    began = time.monotonic()
    run(*lab, "up", *system, "--any-ports")
    took = time.monotonic() - began
    run(*lab, "down", *system)
    return took


def rows(*, quick: bool) -> list[Row]:
    """One row."""
    rounds = 1 if quick else ROUNDS
    run(sys.executable, "lab.py", "build")
    image = run("docker", "images", "-q", "stormlab/worker:dev").split()[0]
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(NODE, folder)
        file = Path(folder) / "compose.yaml"
        file.write_text(json.dumps({"services": {name: service(name, image) for name in (*PORTS, "worker")}}))
        ours, theirs = in_turn(lambda: doors_s(file), lambda: plain_s(file), rounds)
    return [
        Row(
            measure="lab.py up --system, six services", baseline="docker compose up -d --wait, without doors",
            unit="s", ours=estimate(ours), theirs=estimate(theirs), figure=ratios(ours, theirs),
            cores="not pinned", rounds=rounds, must=at_most(1.3),
        ),
    ]  # fmt: skip
