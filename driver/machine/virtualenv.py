"""Makes `.venv` beside lab.py from requirements-dev.lock. Run by path, before anything is installed:

    python3 driver/machine/virtualenv.py
    python3 driver/machine/virtualenv.py bench     (and the benchmarks' peers, from requirements-bench.lock)

Only the standard library may be imported here, and files of ours that import nothing else. A stamp holding
the hash of the lock file and of the interpreter makes the second run instant; it is written last, so an
interrupted run is simply done again.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

OLDEST_PYTHON = (3, 11)
ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv"
LOCK = ROOT / "requirements-dev.lock"
STAMP = VENV / "stormlab.stamp"
BENCH_LOCK = ROOT / "requirements-bench.lock"
BENCH_STAMP = VENV / "stormlab-bench.stamp"
INSTALL_LIMIT_S = 900.0
LAB_BROKE = 70
"""As in driver/exit_codes.py, which may be of a newer Python than this one."""


def stamp_for(lock_bytes: bytes, python_version: str) -> str:
    """The text the stamp must hold for an environment that needs no work."""
    return hashlib.sha256(lock_bytes + python_version.encode()).hexdigest() + "\n"


def is_current(stamp: Path, wanted: str) -> bool:
    """True when a finished environment for exactly this lock stands there."""
    return stamp.is_file() and stamp.read_text() == wanted and (stamp.parent / "bin" / "python").exists()


def main() -> None:
    make(with_peers=sys.argv[1:] == ["bench"])


def go_on_inside(missing: ModuleNotFoundError) -> NoReturn:
    """Start the same command anew with the environment's Python, which is made first where there is none."""
    if Path(sys.prefix).resolve() == VENV.resolve():
        print(f"stormlab: {VENV.name} lacks {missing.name}. Bring it up to date: make setup", file=sys.stderr)
        sys.exit(LAB_BROKE)
    python = VENV / "bin" / "python"
    if not python.exists():
        make(with_peers=False)
    os.execv(python, [str(python), *sys.argv])


def make(*, with_peers: bool) -> None:
    """Make the environment, unless it is there and current. Ends the process where that cannot be done."""
    if sys.version_info < OLDEST_PYTHON:
        sys.exit(
            f"stormlab: needs Python 3.11 or newer, this one is {sys.version.split()[0]} ({sys.executable}). "
            "Name another: make setup PYTHON=python3.12"
        )
    wanted = stamp_for(LOCK.read_bytes(), sys.version)
    peers_wanted = stamp_for(LOCK.read_bytes() + BENCH_LOCK.read_bytes(), sys.version)
    if is_current(STAMP, wanted) and (not with_peers or is_current(BENCH_STAMP, peers_wanted)):
        return
    # Only now: started by path, Python knows this folder alone, and an older Python cannot read the rest.
    sys.path.insert(0, str(ROOT))
    from driver.machine.shell import MachineError

    try:
        if not is_current(STAMP, wanted):
            build(wanted)
        if with_peers:
            install(BENCH_LOCK)
            BENCH_STAMP.write_text(peers_wanted)
    except MachineError as error:
        print(f"stormlab: {error}", file=sys.stderr)
        sys.exit(error.exit_code)


def build(wanted: str) -> None:
    from driver.machine.shell import run
    from driver.machine.shell import say_on_stderr as say

    say(f"making {VENV.name} with Python {sys.version.split()[0]}")
    if not has_venv():
        bring_venv_module()
    run([sys.executable, "-m", "venv", "--clear", str(VENV)], say, f"making {VENV.name}", INSTALL_LIMIT_S)
    install(LOCK)
    STAMP.write_text(wanted)


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
    """Debian ships python3 without ensurepip; a venv made then has no pip."""
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
