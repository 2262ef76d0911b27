"""How long `lab.py up --workers 20` takes, and what an idle worker's container holds.

Measured: seconds from the command until every worker is connected and healthy. Against: `docker compose up
-d` of as many containers of the same image that only sleep. Fair, because both start from nothing with the
images built, in turn; ours does strictly more, and the ratio is its price. The second row is the memory of
the dearest idle connected worker, page cache that can be dropped left out, against what it may use.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.pairs import estimate, in_turn, ratios
from benchmarks.row import Row, at_most

ROOT = Path(__file__).resolve().parent.parent
OURS, THEIRS = "bench-up", "bench-sleepers"
PORT = 18_474
MIB = 1 << 20
WORKERS, ROUNDS = 20, 5
IDLE_MIB = 30.0


def run(*command: str, timeout_s: float = 300) -> str:
    """The output of a command; raises RuntimeError with it when it fails."""
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=timeout_s, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} ended {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def lab(*arguments: str) -> str:
    """Run our command line."""
    return run(sys.executable, "lab.py", *arguments, "--project", OURS)


def up_s(workers: int) -> float:
    """Seconds until a lab is up; it is taken down again."""
    began = time.monotonic()
    lab("up", "--workers", str(workers), "--port", str(PORT))
    took = time.monotonic() - began
    lab("down")
    return took


def sleepers_s(workers: int, file: Path) -> float:
    """Seconds until Compose started as many sleeping containers; they are taken down again."""
    compose = ("docker", "compose", "-p", THEIRS, "-f", str(file))
    began = time.monotonic()
    run(*compose, "up", "-d", "--scale", f"worker={workers}")
    took = time.monotonic() - began
    run(*compose, "down", "-t", "0")
    return took


def idle_mib(workers: int) -> list[float]:
    """MiB that each idle worker's container uses, without the page cache that can be dropped."""
    lab("up", "--workers", str(workers), "--port", str(PORT))
    time.sleep(5)
    import docker

    client = docker.from_env()
    label = [f"com.docker.compose.project={OURS}", "com.docker.compose.service=worker"]
    used = []
    for container in client.containers.list(filters={"label": label}):
        stats: Any = container.stats(stream=False, one_shot=True)
        memory = stats["memory_stats"]
        cache = memory["stats"].get("total_inactive_file", memory["stats"].get("inactive_file", 0))
        used.append((memory["usage"] - cache) / MIB)
    lab("down")
    return used


def rows(*, quick: bool) -> list[Row]:
    """Two rows."""
    workers, rounds = (2, 1) if quick else (WORKERS, ROUNDS)
    run(sys.executable, "lab.py", "build")
    image = run("docker", "images", "-q", "stormlab/worker:dev").split()[0]
    service = {
        "image": image, "init": True, "entrypoint": ["sleep", "3600"], "networks": ["links"],
        "mem_limit": "128m",
    }  # fmt: skip
    compose = {"services": {"worker": service}, "networks": {"links": {"internal": True}}}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "compose.json"
        file.write_text(json.dumps(compose))
        ours, theirs = in_turn(lambda: up_s(workers), lambda: sleepers_s(workers, file), rounds)
    memory = idle_mib(workers)
    return [
        Row(
            measure=f"lab.py up --workers {workers}", baseline=f"docker compose up -d, {workers} sleepers",
            unit="s", ours=estimate(ours), theirs=estimate(theirs), figure=ratios(ours, theirs),
            cores="not pinned", rounds=rounds, must=at_most(1.5),
        ),
        Row(
            measure="memory of an idle connected worker's container, the dearest", baseline="what it may use",
            unit="MiB", ours=estimate([max(memory)]), theirs=estimate([IDLE_MIB]),
            figure=estimate([max(memory)]), figure_unit="MiB", cores="not pinned", rounds=1,
            must=at_most(IDLE_MIB),
            remark=f"one of {workers}; their median is {statistics.median(memory):.1f} MiB",
        ),
    ]  # fmt: skip
