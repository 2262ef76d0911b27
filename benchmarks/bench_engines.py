"""How long a lab of 20 workers takes to come up and to go down, and what an idle worker holds, by engine; and
what 500 workers take of this machine.

Measured: the engine `process`, from the command until every worker is connected, and until nothing is left.
Against: `compose`, with the same commands. Fair, because both start the same code for the same workers in
turn on one machine, with their images and programs built. Memory is what each engine's control groups count,
page cache that can be dropped left out; what processes share counts for the one that touched it first. What
500 workers take is what the machine's available memory loses while they run, which counts everything.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.pairs import estimate, in_turn, ratios
from benchmarks.row import Row, at_most
from chaos.targets import CLIENT
from driver.cli.options import build_environment
from driver.engines.catalogue import KINDS

ROOT = Path(__file__).resolve().parent.parent
PORT = 18_574
MIB = 1 << 20
WORKERS, ROUNDS = 20, 5
UP_S = 2.0
MANY_WORKERS = 500
MANY_GIB = 24
"""The machine that has to carry MANY_WORKERS."""
COMMAND_WITHIN_S = 300


@dataclass
class EngineFigures:
    """What one engine took: seconds down and MiB of a worker by round; `up_s` returns the seconds up."""

    engine: str
    workers: int
    down_s: list[float] = field(default_factory=list)
    worker_mib: list[float] = field(default_factory=list)

    def up_s(self) -> float:
        """Start a lab and take it down; return the seconds until it was up. Raises RuntimeError."""
        took = self._command("up", "--workers", str(self.workers), "--port", str(PORT))
        try:
            self.worker_mib.append(self._median_mib())
        finally:
            self.down_s.append(self._command("down"))
        return took

    def machine_mib(self) -> float:
        """Start a lab and take it down; return what a worker took of this machine. Raises RuntimeError."""
        before = available_mib()
        self._command("up", "--workers", str(self.workers), "--port", str(PORT))
        try:
            return (before - available_mib()) / self.workers
        finally:
            self._command("down")

    @property
    def _project(self) -> str:
        return f"bench-{self.engine}"

    def _command(self, *words: str) -> float:
        began_s = time.monotonic()
        own = ("--project", self._project, "--engine", self.engine)
        done = subprocess.run(
            [sys.executable, "lab.py", *words, *own], cwd=ROOT, capture_output=True, text=True,
            timeout=COMMAND_WITHIN_S,
        )  # fmt: skip
        if done.returncode:
            raise RuntimeError(f"lab.py {words[0]} ended {done.returncode}:\n{done.stdout}{done.stderr}")
        return time.monotonic() - began_s

    def _median_mib(self) -> float:
        engine = KINDS[self.engine].make(self._project, ROOT, build_environment)
        used = [one.memory_bytes / MIB for one in engine.usage() if one.container.startswith(CLIENT)]
        return statistics.median(used)


def available_mib() -> float:
    """Memory of this machine that new processes can have."""
    lines = dict(line.split(":") for line in Path("/proc/meminfo").read_text().splitlines())
    return int(lines["MemAvailable"].split()[0]) / 1024


def rows(*, quick: bool) -> list[Row]:
    """Five rows."""
    workers, rounds = (2, 1) if quick else (WORKERS, ROUNDS)
    ours, theirs = EngineFigures("process", workers), EngineFigures("compose", workers)
    for one in (ours, theirs):
        # The first lab builds what is missing.
        one.up_s()
        one.down_s.clear()
        one.worker_mib.clear()
    many = EngineFigures("process", 20 if quick else MANY_WORKERS)
    share, room = many.machine_mib(), MANY_GIB * 1024 / MANY_WORKERS
    up_ours, up_theirs = in_turn(ours.up_s, theirs.up_s, rounds)

    def row(measure: str, unit: str, first: list[float], second: list[float]) -> Row:
        return Row(
            measure=f"{measure}, {workers} workers as processes", baseline="as containers of Compose",
            unit=unit, ours=estimate(first), theirs=estimate(second), figure=ratios(first, second),
            cores="not pinned", rounds=rounds,
        )  # fmt: skip

    return [
        Row(
            measure=f"lab.py up --workers {workers} --engine process", baseline="what it may take",
            unit="s", ours=estimate(up_ours), theirs=estimate([UP_S]), figure=estimate(up_ours),
            figure_unit="s", cores="not pinned", rounds=rounds, must=at_most(UP_S),
        ),
        row("up", "s", up_ours, up_theirs),
        row("down", "s", ours.down_s, theirs.down_s),
        row("memory of an idle worker, median", "MiB", ours.worker_mib, theirs.worker_mib),
        Row(
            measure=f"this machine's memory for each of {many.workers} workers as processes",
            baseline=f"{MANY_GIB} GiB ÷ {MANY_WORKERS}", unit="MiB", ours=estimate([share]),
            theirs=estimate([room]), figure=estimate([share]), figure_unit="MiB", cores="not pinned",
            rounds=1, must=at_most(room),
        ),
    ]  # fmt: skip
