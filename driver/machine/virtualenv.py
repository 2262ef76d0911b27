"""Makes `.venv` beside lab.py. Run by path, before anything is installed:

    python3 driver/machine/virtualenv.py         the lab's own packages, from requirements.lock
    python3 driver/machine/virtualenv.py dev     and those of tests and linters, from requirements-dev.lock
    python3 driver/machine/virtualenv.py bench   and the benchmarks' peers, from requirements-bench.lock

It imports only the standard library, and files of the lab that import nothing else. A stamp with the hash of
the lock file and the interpreter makes a second run instant; it is written last, so an interrupted run is
repeated. Packages are only added to an existing environment: a command that needs fewer can run beside one
that needs more.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

OLDEST_PYTHON = (3, 11)
ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv"
LOCK = ROOT / "requirements.lock"
STAMP = VENV / "stormlab-runtime.stamp"
DEV_LOCK = ROOT / "requirements-dev.lock"
DEV_STAMP = VENV / "stormlab.stamp"
"""An environment of older versions, which had this stamp alone, is one for development."""
BENCH_LOCK = ROOT / "requirements-bench.lock"
BENCH_STAMP = VENV / "stormlab-bench.stamp"
INSTALL_LIMIT_S = 900.0
WANTS = ("", "dev", "bench")
LAB_BROKE = 70
"""As in driver/exit_codes.py, which an older Python cannot import."""


def stamp_for(lock_bytes: bytes, python_version: str) -> str:
    """Return the stamp's text for a current environment."""
    return hashlib.sha256(lock_bytes + python_version.encode()).hexdigest() + "\n"


def is_current(stamp: Path, wanted: str) -> bool:
    """Whether a complete environment for exactly this lock exists."""
    return stamp.is_file() and stamp.read_text() == wanted and (stamp.parent / "bin" / "python").exists()


def main() -> None:
    wants = sys.argv[1] if sys.argv[1:] else ""
    if wants not in WANTS or len(sys.argv) > 2:
        sys.exit(f"stormlab: {sys.argv[0]} takes dev, bench or nothing; found {' '.join(sys.argv[1:])!r}")
    make(wants)


def go_on_inside(missing: ModuleNotFoundError) -> NoReturn:
    """Start the same command again with the environment's Python, creating it if missing."""
    if Path(sys.prefix).resolve() == VENV.resolve():
        print(f"stormlab: {VENV.name} lacks {missing.name}. Bring it up to date: make setup", file=sys.stderr)
        sys.exit(LAB_BROKE)
    python = VENV / "bin" / "python"
    if not python.exists():
        make()
    os.execv(python, [str(python), *sys.argv])


@dataclass(frozen=True)
class EnvironmentLayer:
    """Packages of one lock file; `stamp` has the text `wanted` when all are installed."""

    lock: Path
    stamp: Path
    wanted: str

    @property
    def is_current(self) -> bool:
        return is_current(self.stamp, self.wanted)


def make(wants: str = "") -> None:
    """Create or update the environment. Exits the process where that fails."""
    if sys.version_info < OLDEST_PYTHON:
        sys.exit(
            f"stormlab: needs Python 3.11 or newer, this one is {sys.version.split()[0]} ({sys.executable}). "
            "Name another: make setup PYTHON=python3.12"
        )
    layers = lacking(wants)
    if not layers:
        return
    # Only now: started by path, sys.path has this folder alone, and an older Python cannot import the rest.
    sys.path.insert(0, str(ROOT))
    from driver.machine.shell import MachineError

    try:
        if not is_ours(VENV):
            begin()
        for layer in layers:
            install(layer.lock)
            layer.stamp.write_text(layer.wanted)
    except MachineError as error:
        print(f"stormlab: {error}", file=sys.stderr)
        sys.exit(error.exit_code)


def lacking(wants: str) -> list[EnvironmentLayer]:
    """Return the lock files to install, in order."""
    runtime = EnvironmentLayer(LOCK, STAMP, stamp_for(LOCK.read_bytes(), sys.version))
    dev = EnvironmentLayer(DEV_LOCK, DEV_STAMP, stamp_for(DEV_LOCK.read_bytes(), sys.version))
    both = DEV_LOCK.read_bytes() + BENCH_LOCK.read_bytes()
    bench = EnvironmentLayer(BENCH_LOCK, BENCH_STAMP, stamp_for(both, sys.version))
    # The development lock includes the runtime lock: one of the two is enough.
    wanted = {"": [] if dev.is_current else [runtime], "dev": [dev], "bench": [dev, bench]}[wants]
    return [layer for layer in wanted if not layer.is_current]


def is_ours(venv: Path) -> bool:
    """Whether an environment of this Python version exists, to which packages can be added."""
    try:
        settings = (venv / "pyvenv.cfg").read_text().splitlines()
    except OSError:
        return False
    versions = [line.partition("=")[2].strip() for line in settings if line.startswith("version")]
    was_finished = any((venv / stamp.name).exists() for stamp in (STAMP, DEV_STAMP))
    return was_finished and versions == [sys.version.split()[0]]


def begin() -> None:
    """Create an empty environment, replacing an existing one. Raises MachineError."""
    from driver.machine.shell import run
    from driver.machine.shell import say_on_stderr as say

    say(f"making {VENV.name} with Python {sys.version.split()[0]}")
    if not has_venv():
        bring_venv_module()
    run([sys.executable, "-m", "venv", "--clear", str(VENV)], say, f"making {VENV.name}", INSTALL_LIMIT_S)


def install(lock: Path) -> None:
    from driver.machine.shell import run
    from driver.machine.shell import say_on_stderr as say

    say(f"installing the pinned packages of {lock.name} (about half a minute)")
    command = [
        *(str(VENV / "bin" / "python"), "-m", "pip", "install", "--disable-pip-version-check"),
        *("--progress-bar", "off", "--require-hashes", "-r", str(lock)),
    ]
    run(command, say, "installing packages", INSTALL_LIMIT_S)


def has_venv() -> bool:
    """Whether this Python can create environments with pip: Debian ships it without ensurepip."""
    question = [sys.executable, "-c", "import ensurepip, venv"]
    return subprocess.run(question, capture_output=True).returncode == 0


def bring_venv_module() -> None:
    from driver.machine.apt import install_own
    from driver.machine.shell import MachineError, say_on_stderr

    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise MachineError(
            "This Python has no venv module. Install it and try again: sudo apt-get install python3-venv"
        )
    install_own(("python3-venv",), say_on_stderr)
    if not has_venv():
        raise MachineError(
            f"python3-venv is installed, but {sys.executable} has no venv module. Name another: "
            "make setup PYTHON=/usr/bin/python3"
        )


if __name__ == "__main__":
    main()
