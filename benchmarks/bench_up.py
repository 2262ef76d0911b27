"""How long `lab.py up --workers 20` takes, beside Compose starting 20 containers that only sleep.

Both arms start from nothing, with images built, and run in turn. Ours ends when every worker is connected and
healthy; the baseline ends when `docker compose up -d` returns. So ours does strictly more, and the ratio is
its price. It then prints what one idle connected worker costs: the memory figure of its container.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.pairs import estimate, in_turn, ratios

ROOT = Path(__file__).resolve().parent.parent
OURS, THEIRS = "bench-up", "bench-sleepers"
PORT = 18_474
MIB = 1 << 20


def run(*command: str, timeout_s: float = 300) -> str:
    """The output of a command; raises CalledProcessError with it when it fails."""
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=timeout_s, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)} ended {done.returncode}:\n{done.stdout}{done.stderr}")
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


def main() -> int:
    """0 when both figures are reached."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--workers", type=int, default=20)
    arguments.add_argument("--rounds", type=int, default=5)
    chosen = arguments.parse_args()
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
        ours, theirs = in_turn(
            lambda: up_s(chosen.workers), lambda: sleepers_s(chosen.workers, file), chosen.rounds
        )
    memory = idle_mib(chosen.workers)
    ratio = ratios(ours, theirs)
    print(f"lab.py up --workers {chosen.workers}      {estimate(ours)} s")
    print(f"compose up, {chosen.workers} sleepers     {estimate(theirs)} s")
    print(f"ratio, pair by pair         {ratio}   must be at most 1.5")
    worst, typical = max(memory), statistics.median(memory)
    print(f"an idle connected worker    {typical:.1f} MiB, at most {worst:.1f}   must be at most 30")
    return 0 if ratio.median <= 1.5 and worst <= 30 else 1


if __name__ == "__main__":
    sys.exit(main())
