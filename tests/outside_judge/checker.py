"""The checker that we did not write: Porcupine, in a small program in Go (checker/) and a container."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryFile

import msgspec

ROOT = Path(__file__).resolve().parents[2]
SOURCE = Path(__file__).parent / "checker"
IMAGE = "stormlab/outside-judge:dev"
MACHINE = ROOT / ".stormlab" / "machine.env"
BUILD_S = 300
JUDGE_S = 3_600


class CheckerError(Exception):
    """The checker could not be built, or could not read what it was given."""


class Answer(msgspec.Struct, frozen=True):
    """What Porcupine says of one history: linearizable, broken (`task` shows it) or undecided."""

    history: str
    verdict: str
    task: str
    operations: int


def build() -> str:
    """Its image; where nothing changed, from Docker's cache within a second. Raises CheckerError."""
    if not MACHINE.exists():
        raise CheckerError(f"{MACHINE} is not there: run `make setup` first, which makes this machine ready")
    words = (word.partition("=") for word in shlex.split(MACHINE.read_text()))
    machine = {name: value for name, _, value in words}
    command = [
        "docker", "buildx", "build", "-q", "--network", "host", "--target", "judge",
        "--build-arg", f"GO_BASE={machine['GO_BASE']}",
        "--secret", f"id=ca,src={machine['STORMLAB_CA']}",
        "--secret", f"id=build_env,src={machine['STORMLAB_BUILD_ENV']}",
        "--load", "--tag", IMAGE, str(SOURCE),
    ]  # fmt: skip
    built = subprocess.run(command, capture_output=True, text=True, timeout=BUILD_S, check=False)
    if built.returncode:
        raise CheckerError(f"the outside judge could not be built:\n{built.stderr[-2000:]}")
    return IMAGE


def judge(image: str, histories: Iterable[bytes]) -> list[Answer]:
    """What Porcupine says of each (operations.lines), in their order. Raises CheckerError."""
    with TemporaryFile() as given:
        for history in histories:
            given.write(history)
        given.seek(0)
        command = ["docker", "run", "--rm", "--interactive", "--network", "none", "--read-only", image]
        done = subprocess.run(command, stdin=given, capture_output=True, timeout=JUDGE_S, check=False)
    if done.returncode not in (0, 1):
        raise CheckerError(f"the outside judge could not read a history: {done.stderr.decode()[-500:]}")
    return msgspec.json.Decoder(Answer).decode_lines(done.stdout)
