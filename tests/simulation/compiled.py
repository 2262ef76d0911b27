"""The same sources compiled by mypyc, in a folder of their own: a run takes a fraction of the time.

What defines messages and settings (msgspec's structs) stays as it is, beside what is compiled. That both ways
give the same histories is seen each time before the compiled ones are run.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Collection, Sequence
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("wire", "coordinator", "worker", "tests/simulation")
COMPILED = {
    "wire": ("channel", "codec", "compression", "keys", "priority"),
    "coordinator": (
        "admission", "attempts", "connection", "core", "counters", "dispatch", "effects", "handshake",
        "journal_events", "ledger", "proofs", "recovery", "session_manager", "session_registry", "submission",
        "task_check", "task_memory", "task_queue", "timers", "timing", "token_bucket", "worker_selector",
    ),
    "worker": ("attempts", "core", "heartbeat", "phi", "reconnect", "session", "task_manager"),
    "tests/simulation": (
        "anchors", "books", "clock", "conduct", "coordinator_process", "digest", "endurance",
        "hostile", "invariants", "memory_store", "network", "novelty", "plan", "process", "rungs", "strikes",
        "worker_process", "world",
    ),
}  # fmt: skip
BESIDE = (
    ROOT / "tests" / "proofs.py",
    *(ROOT / "driver" / name for name in ("__init__.py", "search/__init__.py")),
    *(ROOT / "driver" / "search" / name for name in ("corpus.py", "ddmin.py")),
)
"""What the command itself needs too, as it is."""
BUILD_MAX_S = 1_800
DIGESTS = 40


class NotCompiledError(Exception):
    """There are no compiled modules to be had here; the message says why."""


class DifferentError(Exception):
    """Compiled and interpreted modules do not do the same."""


def folder(room: str = "simulation", interpreted: Collection[str] = (), beside: Sequence[Path] = ()) -> Path:
    """Where the compiled modules are, compiled now if they were not before. Raises NotCompiledError.

    Those whose files are in `interpreted` are left as they are, so that they can be changed there; `beside`
    are copied too. Each `room` keeps one state of the code.
    """
    built = ROOT / ".stormlab" / room / _fingerprint(interpreted, beside)
    if not built.is_dir():
        print(
            "compiling the cores and the simulation: once for each state of the code",
            file=sys.stderr, flush=True,
        )  # fmt: skip
        # What was built of older states, or not to its end.
        shutil.rmtree(built.parent, ignore_errors=True)
        _build(built, interpreted, beside)
    return built


def check(built: Path, ours: list[str]) -> None:
    """Have the compiled modules run the seeds of `ours`, and compare. Raises DifferentError."""
    asked = [sys.executable, "-m", "tests.simulation", "--digests", str(len(ours))]
    done = subprocess.run(asked, cwd=built, capture_output=True, text=True, timeout=BUILD_MAX_S, check=False)
    if done.stdout.split() != ours:
        raise DifferentError(
            f"compiled and interpreted modules give different histories of the seeds below {len(ours)}: "
            f"use --interpreted. {done.stderr}"
        )


def is_compiled() -> bool:
    """Whether this very process runs compiled modules."""
    from tests.simulation import world

    return not world.__file__.endswith(".py")


def _fingerprint(interpreted: Collection[str], beside: Sequence[Path]) -> str:
    """One name for all that goes into a build."""
    whole = hashlib.sha256(f"{sys.version} {sys.executable} {version('mypy')}".encode())
    whole.update(repr(sorted(interpreted)).encode())
    for path in [*_sources(), *beside]:
        whole.update(f"{path.relative_to(ROOT)}\n".encode() + path.read_bytes())
    return whole.hexdigest()[:16]


def _sources() -> list[Path]:
    return sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))


def copy_sources(root: Path, beside: Sequence[Path] = ()) -> None:
    """Copy the cores, the simulation and `beside` into the folder `root`, where they run by themselves."""
    for path in [*_sources(), *BESIDE, *beside]:
        copy = root / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)


def _build(built: Path, interpreted: Collection[str], beside: Sequence[Path]) -> None:
    fresh = built.with_name("unfinished")
    copy_sources(fresh, beside)
    named = [f"{room}/{name}.py" for room, names in COMPILED.items() for name in names]
    files = [file for file in named if file not in interpreted]
    build = [sys.executable, "-m", "tests.simulation.mypyc_build", *files]
    try:
        subprocess.run(build, cwd=fresh, capture_output=True, text=True, timeout=BUILD_MAX_S, check=True)
    except subprocess.CalledProcessError as error:
        last = (error.stderr.strip() or error.stdout.strip()).splitlines()[-1:]
        raise NotCompiledError(f"mypyc failed: {' '.join(last)}") from None
    except subprocess.TimeoutExpired:
        raise NotCompiledError(f"mypyc took more than {BUILD_MAX_S} s") from None
    fresh.rename(built)
