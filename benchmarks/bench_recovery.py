"""How long the coordinator is away after `kill -9` with 10⁶ tasks stored, beside what it cannot do without.

Measured: seconds from starting the process over the full store, whose last owner was killed, until it takes
work. Against: the same process over an empty store until it takes work, plus the time in which `Store.load`
reads the full store in a process of its own, with the collector off, as it is at ours. Fair, because nothing
can start faster than that process, and nothing can hand out what it has not read; all that remains is what we
do beyond it. Half of the tasks have a result, half wait. Rounds take both contenders in turn, over the same
file.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

from benchmarks.affinity import FIRST, SECOND, starting_on
from benchmarks.pairs import estimate, in_turn, ratios
from benchmarks.ports import free_port
from benchmarks.row import Row as TableRow
from benchmarks.row import at_most
from coordinator.rows import ResultRow, Row, TaskRow
from coordinator.store import SqliteStore
from wire.priority import Priority

ROOT = Path(__file__).resolve().parent.parent
TASKS, QUICK_TASKS = 1_000_000, 20_000
ROUNDS, QUICK_ROUNDS = 5, 2
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


def start_s(store: Path, journals: Path) -> float:
    """Seconds from starting a coordinator over `store` until it takes work; then it is killed. Raises
    RuntimeError when it ends, or takes too long.
    """
    port = free_port()
    environment = {
        **os.environ, "STORMLAB_KEY": "0" * 64, "STORE_DIR": str(store), "JOURNAL_DIR": str(journals),
        "STORMLAB_LISTEN": "127.0.0.1", "COORDINATOR_PORT": str(free_port()), "CONTROL_PORT": str(port),
        "STORMLAB_CONTROL_TOKEN": "0" * 64, "STORMLAB_COORDINATOR": '{"waiting_tasks": 2000000}',
    }  # fmt: skip
    began = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "coordinator"],
        cwd=ROOT,
        env=environment,
        stderr=subprocess.DEVNULL,
        preexec_fn=starting_on(FIRST),
    )
    try:
        while time.monotonic() - began < LIMIT_S and process.poll() is None:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5):
                    return time.monotonic() - began
            except (urllib.error.URLError, ConnectionError):
                time.sleep(0.005)
        raise RuntimeError(f"the coordinator ended, or did not answer within {LIMIT_S:.0f} s")
    finally:
        process.kill()
        process.wait()


def replay_s(store: Path) -> float:
    """Seconds in which a fresh process reads the whole store, its own start left out."""
    code = (
        "import gc, sys, time; from pathlib import Path; from coordinator.store import SqliteStore; "
        "gc.disable(); began = time.monotonic(); store = SqliteStore(Path(sys.argv[1])); store.load(); "
        "print(time.monotonic() - began)"
    )
    path = str(store / "ledger.sqlite")
    done = subprocess.run(
        [sys.executable, "-c", code, path],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        preexec_fn=starting_on(FIRST),
    )
    return float(done.stdout)


def rows(*, quick: bool) -> list[TableRow]:
    """One row."""
    tasks, rounds = (QUICK_TASKS, QUICK_ROUNDS) if quick else (TASKS, ROUNDS)
    starting_on(SECOND)()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        full, empty, journals = folder / "full", folder / "empty", folder / "journals"
        full.mkdir()
        journals.mkdir()
        fill(full, tasks)
        # The process that filled the store closed it in order: the first kill over it is not measured.
        start_s(full, journals)

        def least_s() -> float:
            empty.mkdir()
            took_s = start_s(empty, journals) + replay_s(full)
            shutil.rmtree(empty)
            return took_s

        ours, theirs = in_turn(lambda: start_s(full, journals), least_s, rounds)
    row = TableRow(
        measure=f"coordinator back after kill -9, {tasks:,} tasks stored", baseline="process start + replay",
        unit="s", ours=estimate(ours), theirs=estimate(theirs), figure=ratios(ours, theirs),
        cores=f"coordinator on {FIRST}, the client on {SECOND}", rounds=rounds, must=at_most(2),
        aim=at_most(1.2), remark="half of the tasks are done; 2,000,000 may wait, so that they fit",
    )  # fmt: skip
    return [row]
