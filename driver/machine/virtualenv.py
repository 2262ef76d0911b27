"""Makes `.venv` beside lab.py from requirements-dev.lock. Run by path, before anything is installed:

    python3 driver/machine/virtualenv.py

Only the standard library may be imported here. A stamp holding the hash of the lock file and of
the interpreter makes the second run instant; it is written last, so an interrupted run is simply done again.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

OLDEST_PYTHON = (3, 11)
ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv"
LOCK = ROOT / "requirements-dev.lock"
STAMP = VENV / "stormlab.stamp"


def stamp_for(lock_bytes: bytes, python_version: str) -> str:
    """The text the stamp must hold for an environment that needs no work."""
    return hashlib.sha256(lock_bytes + python_version.encode()).hexdigest() + "\n"


def is_current(stamp: Path, wanted: str) -> bool:
    """True when a finished environment for exactly this lock stands there."""
    return stamp.is_file() and stamp.read_text() == wanted and (stamp.parent / "bin" / "python").exists()


def missing_venv_cure(is_root: bool, has_apt: bool) -> list[str]:
    """The apt command that brings venv and pip, or nothing where this user cannot install."""
    if is_root and has_apt:
        return ["apt-get", "install", "-y", "--no-install-recommends", "python3-venv"]
    return []


def has_venv() -> bool:
    """Debian ships python3 without ensurepip; a venv made then has no pip."""
    question = [sys.executable, "-c", "import ensurepip, venv"]
    return subprocess.run(question, capture_output=True).returncode == 0


def bring_venv_module() -> None:
    cure = missing_venv_cure(os.geteuid() == 0, shutil.which("apt-get") is not None)
    if not cure:
        sys.exit(
            "stormlab: this Python has no venv module. Install it and try again, e.g. "
            "`sudo apt-get install python3-venv`."
        )
    print("stormlab: installing python3-venv with apt", flush=True)
    # A failing update of some third-party source must not stop us; the install itself decides.
    subprocess.run(["apt-get", "-q", "update"], stdout=subprocess.DEVNULL)
    if subprocess.run(cure, stdout=subprocess.DEVNULL).returncode != 0 or not has_venv():
        sys.exit(f"stormlab: `{' '.join(cure)}` did not bring the venv module. Run it by hand and try again.")


def build(wanted: str) -> None:
    print(f"stormlab: making {VENV.name} with Python {sys.version.split()[0]}", flush=True)
    if not has_venv():
        bring_venv_module()
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(VENV)], check=True)
    print(f"stormlab: installing the pinned packages of {LOCK.name} (about half a minute)", flush=True)
    install = [
        *(str(VENV / "bin" / "python"), "-m", "pip", "install", "--disable-pip-version-check"),
        *("--progress-bar", "off", "--require-hashes", "-r", str(LOCK)),
    ]
    subprocess.run(install, check=True)
    STAMP.write_text(wanted)


def main() -> None:
    if sys.version_info < OLDEST_PYTHON:
        sys.exit(
            f"stormlab: needs Python 3.11 or newer, this one is {sys.version.split()[0]} ({sys.executable}). "
            "Name another: make setup PYTHON=python3.12"
        )
    wanted = stamp_for(LOCK.read_bytes(), sys.version)
    if is_current(STAMP, wanted):
        return
    try:
        build(wanted)
    except subprocess.CalledProcessError as error:
        sys.exit(
            f"stormlab: `{' '.join(error.cmd)}` ended with {error.returncode}. What it printed above says "
            "why; set it right and run `make setup` again."
        )


if __name__ == "__main__":
    main()
