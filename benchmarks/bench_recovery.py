"""How long the coordinator is away after `kill -9`, with many tasks stored, beside what it cannot do without.

The baseline of one round: a process over an empty store until it answers, plus the time in which `Store.load`
reads the full store in a process of its own. The measure: the same process over the full store, killed
before, until it answers. Half of the stored tasks have a result, half wait. Rounds take both arms in turn.
"""

from __future__ import annotations

import argparse
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.pairs import estimate, ratios
from coordinator.rows import ResultRow, Row, TaskRow
from coordinator.store import SqliteStore
from wire.priority import Priority

ROOT = Path(__file__).resolve().parent.parent
BATCH = 5_000
LIMIT_S = 120.0


def fill(folder: Path, tasks: int) -> None:
    """A store with `tasks` tasks, every other one done."""
    store = SqliteStore(folder / "ledger.sqlite")
    store.load()
    for first in range(1, tasks + 1, BATCH):
        numbers = range(first, min(first + BATCH, tasks + 1))
        rows: list[Row] = [
            TaskRow(n, f"task-{n:07d}", "noop", b"{}", Priority.normal, 0, 60_000, 5, False) for n in numbers
        ]
        rows += [
            ResultRow(n, f"task-{n:07d}", n, "worker-1", "completed", "", b"null", 1, 1, 2, 0)
            for n in numbers
            if n % 2
        ]
        store.commit(rows)
    store.close()


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start_s(store: Path, journals: Path) -> float:
    """Seconds from starting a coordinator over `store` until it takes work; then it is killed."""
    port = free_port()
    environment = {
        **os.environ, "STORMLAB_KEY": "0" * 64, "STORE_DIR": str(store), "JOURNAL_DIR": str(journals),
        "STORMLAB_LISTEN": "127.0.0.1", "COORDINATOR_PORT": str(free_port()), "CONTROL_PORT": str(port),
        "STORMLAB_COORDINATOR": '{"waiting_tasks": 2000000}',
    }  # fmt: skip
    began = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "coordinator"], cwd=ROOT, env=environment, stderr=subprocess.DEVNULL
    )
    try:
        while time.monotonic() - began < LIMIT_S:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5):
                    return time.monotonic() - began
            except (urllib.error.URLError, ConnectionError):
                time.sleep(0.005)
        sys.exit(f"the coordinator did not answer within {LIMIT_S:.0f} s")
    finally:
        process.kill()
        process.wait()


def replay_s(store: Path) -> float:
    """Seconds in which a fresh process reads the whole store, its own start left out."""
    code = (
        "import sys, time; from pathlib import Path; from coordinator.store import SqliteStore; "
        "began = time.monotonic(); store = SqliteStore(Path(sys.argv[1])); store.load(); "
        "print(time.monotonic() - began)"
    )
    path = str(store / "ledger.sqlite")
    done = subprocess.run(
        [sys.executable, "-c", code, path], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return float(done.stdout)


def main() -> int:
    """0 when recovery takes at most twice what it cannot do without."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--tasks", type=int, default=100_000)
    arguments.add_argument("--rounds", type=int, default=7)
    chosen = arguments.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        full, journals = folder / "full", folder / "journals"
        full.mkdir()
        journals.mkdir()
        fill(full, chosen.tasks)
        ours, theirs = [], []
        for _ in range(chosen.rounds):
            empty = folder / "empty"
            empty.mkdir()
            ours.append(start_s(full, journals))
            theirs.append(start_s(empty, journals) + replay_s(full))
            shutil.rmtree(empty)
    ratio = ratios(ours, theirs)
    print(f"back after kill -9, {chosen.tasks} tasks stored   {estimate(ours)} s")
    print(f"process start + replay of the store    {estimate(theirs)} s")
    print(f"ratio, pair by pair                    {ratio}   must be at most 2")
    return 0 if ratio.median <= 2 else 1


if __name__ == "__main__":
    sys.exit(main())
