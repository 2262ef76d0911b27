"""A system is started and taken down, drawn by a seed: python -m tests.system_rounds --rounds 50 --seed 1

In two rounds of three a command is killed (SIGKILL) at a drawn instant: `up` in one, `down` in the other.
After the `down` that follows, the engine has no container, network, volume or image of the system, no
address is taken, and this machine has no folder and no Compose process of it.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from driver.engines import addresses, docker_answers, images
from driver.engines.docker_sdk import DockerSdk
from driver.engines.left_compose import end_left_compose
from driver.paths import project_root, state_dir
from driver.systems.door_network import POOL
from driver.systems.system_request import project_of
from tests.proofs import commit, keep

LIMIT_S = 240.0
UP, DOWN, NONE = "up", "down", "none"
KILL_WITHIN_S = {UP: 8.0, DOWN: 2.5, NONE: 1.0}
IMAGE = next(one for one in images.CATALOGUE if one.service == "worker")
FILE = """\
services:
  web:
    build: {context: ., args: {PYTHON_IMAGE: "${PYTHON_IMAGE}"}}
    init: true
    entrypoint: [/venv/bin/python, /node.py, serve, "8000"]
    ports: ["8000"]
    volumes: ["data:/data"]
    healthcheck:
      test: [CMD, /venv/bin/python, -c, "import socket; socket.create_connection(('127.0.0.1', 8000))"]
      start_period: 20s
      start_interval: 500ms
  client:
    image: "${PYTHON_IMAGE}"
    init: true
    entrypoint: [/venv/bin/python, /node.py, call, "web:8000"]
    volumes: ["./node.py:/node.py:ro"]
    depends_on: {web: {condition: service_healthy}}
    deploy: {replicas: 2}
volumes: {data: {}}
"""


class NotTrueError(Exception):
    """Something was left, or a command failed."""


@dataclass(frozen=True)
class Round:
    """One start and one removal; `killed` is the command that is killed, `kill_s` after it was started."""

    killed: str
    kill_s: float


def drawn(seed: int, count: int) -> list[Round]:
    """The rounds of a seed, the three kinds in turn."""
    rng = random.Random(seed)
    kinds = [(NONE, UP, DOWN)[number % 3] for number in range(count)]
    return [Round(killed, rng.uniform(0.1, KILL_WITHIN_S[killed])) for killed in kinds]


def system_file(folder: Path) -> Path:
    """Write the system's files, and return the Compose file."""
    for name in ("node.py", "Dockerfile"):
        shutil.copy(project_root() / "examples/doors" / name, folder)
    file = folder / "compose.yaml"
    file.write_text(FILE)
    return file


def run_rounds(file: Path, rounds: Sequence[Round]) -> Iterator[str]:
    """Run the rounds, and yield a line for each. Raises NotTrueError where something is left."""
    for number, one in enumerate(rounds, 1):
        found = f"{number}. up {run(file, UP, one.kill_s if one.killed == UP else None)}"
        if one.killed == DOWN:
            found += f", down {run(file, DOWN, one.kill_s)}"
        found += f", down {run(file, DOWN)}"
        if left := left_of(file):
            raise NotTrueError(f"{found}; left: {', '.join(left)}")
        yield f"{found}; nothing left"


def run(file: Path, verb: str, kill_s: float | None = None) -> str:
    """Run a command on the system to its end, or kill it; return how it ended. Raises NotTrueError."""
    words = [verb, "--system", str(file), *(["--any-ports"] if verb == UP else [])]
    began_s = time.monotonic()
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            [sys.executable, str(project_root() / "lab.py"), *words],
            stdout=said,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHON_IMAGE": images.reference(IMAGE, project_root())},
        )
        try:
            process.wait(kill_s or LIMIT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            if kill_s is None:
                raise NotTrueError(f"`{verb}` did not end within {LIMIT_S:.0f} s") from None
            return f"killed after {kill_s:.1f} s"
        if process.returncode != 0:
            said.seek(0)
            text = said.read().decode(errors="replace").strip()
            raise NotTrueError(f"`{verb}` ended with {process.returncode}: {text[-600:]}")
    return f"in {time.monotonic() - began_s:.1f} s"


def left_of(file: Path) -> list[str]:
    """Everything of a system that the engine and this machine still have."""
    project = project_of(file)
    left = [f"container {name}" for name in docker("ps", "-aq", "--filter", f"name={project}")]
    left += [f"network {name}" for name in docker("network", "ls", "-q", "--filter", f"name={project}")]
    left += [f"volume {name}" for name in docker("volume", "ls", "-q", "--filter", f"name={project}")]
    left += [f"image {name}" for name in docker("image", "ls", "-q", f"{project}*")]
    folder = state_dir() / "systems" / project
    if folder.exists():
        left.append(str(folder))
    if processes := end_left_compose(folder / "compose.yaml"):
        left.append(f"{processes} processes of Compose")
    return left


def taken_addresses(project: str) -> set[str]:
    """Subnets of the lab's pool that networks and routes of this machine have."""
    taken = [*docker_answers.subnets(DockerSdk(project).all_networks()), *addresses.host_routes()]
    return {str(one) for one in taken if one.overlaps(POOL)}


def docker(*words: str) -> list[str]:
    """The words that the docker client prints."""
    done = subprocess.run(["docker", *words], capture_output=True, text=True, timeout=60, check=True)
    return done.stdout.split()


def main(argv: Sequence[str] | None = None) -> int:
    """Run the rounds that the flags ask for; 1 where something was not as it should be."""
    parser = argparse.ArgumentParser(prog="python -m tests.system_rounds", description=__doc__)
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--write", action="store_true", help="keep the rounds in docs/proofs.md")
    flags: Any = parser.parse_args(argv)
    of, said = commit(), []
    with tempfile.TemporaryDirectory() as folder:
        file = system_file(Path(folder))
        try:
            for found in run_rounds(file, drawn(flags.seed, flags.rounds)):
                said.append(found)
                print(found, flush=True)
        except NotTrueError as error:
            print(f"NOT TRUE: {error}", flush=True)
            return 1
        finally:
            run(file, DOWN)
    killed = sum("killed" in one for one in said)
    said.append(f"\n{flags.rounds} rounds, {killed} of them with a command that was killed; nothing left.")
    print(said[-1].strip(), flush=True)
    if flags.write:
        keep("system_rounds", "\n".join(said), of)
    return 0


if __name__ == "__main__":
    sys.exit(main())
