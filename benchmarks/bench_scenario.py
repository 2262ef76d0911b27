"""How long `lab.py scenario` takes before the first fault, and after the last one until the verdict is on the
screen, with 20 workers as processes and as containers.

Measured: from the command until the first fault begins, less the time that the scenario itself puts before it
(its load runs for 5 s first); and from the end of the last fault until the line of the verdict is read from
the command's output. Against: what each may take. Beside the second stands how much of it the scenario's own
expectations need: all must be back and stay so for 2 s, which no lab can see sooner. Fair, because both
engines run the same plan in turn on one machine, with images and programs built, and every run must pass.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.pairs import estimate, in_turn
from benchmarks.row import Row, at_most

ROOT = Path(__file__).resolve().parent.parent
SCENARIO = ROOT / "benchmarks/one_cut.yaml"
PORT = 18_674
WORKERS, ROUNDS = 20, 7
FIRST_S = {"process": (3.0, 1.0), "compose": (10.0, 6.0)}
VERDICT_S = (5.0, 3.0)
"""What each may take, and what is aimed at."""
WORDS = {"process": "processes", "compose": "containers"}
VERDICT = "PASSED:"
NS = 1e9


@dataclass
class ScenarioTimes:
    """What the runs of one engine took, in seconds, by round. `decided_s`: until all was decided."""

    engine: str
    workers: int
    seed: int = 0
    first_s: list[float] = field(default_factory=list)
    verdict_s: list[float] = field(default_factory=list)
    decided_s: list[float] = field(default_factory=list)

    def run(self) -> float:
        """Run the scenario; return the seconds until its verdict was read. Raises RuntimeError."""
        self.seed += 1
        with tempfile.TemporaryDirectory() as results:
            began_ns = time.monotonic_ns()
            verdict_ns = self._verdict_ns(results)
            folder = (Path(results) / "latest").resolve()
            at_s = json.loads((folder / "plan.json").read_text())["faults"][0]["at_s"]
            lines = [json.loads(line) for line in (folder / "journals/driver.jsonl").read_text().splitlines()]
        begun_ns = min(line["at_ns"] for line in lines if line["event"] == "fault_begun")
        ended_ns = max(line["at_ns"] for line in lines if line["event"] == "fault_ended")
        self.first_s.append((begun_ns - began_ns) / NS - at_s)
        self.verdict_s.append((verdict_ns - ended_ns) / NS)
        self.decided_s.append((_phase_ended_ns(lines, "timeline") - ended_ns) / NS)
        return self.verdict_s[-1]

    def _verdict_ns(self, results: str) -> int:
        """Run the command; return when the line of its verdict was read."""
        own = ("--project", f"bench-scenario-{self.engine}", "--engine", self.engine, "--port", str(PORT))
        more = ("--workers", str(self.workers), "--seed", str(self.seed), "--results", results)
        command = [sys.executable, "lab.py", "scenario", str(SCENARIO), *own, *more]
        said, at_ns = [], 0
        with subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as process:
            assert process.stdout is not None
            for line in process.stdout:
                said.append(line)
                if line.startswith(VERDICT):
                    at_ns = time.monotonic_ns()
        if process.returncode or not at_ns:
            raise RuntimeError(f"lab.py scenario ended {process.returncode}:\n{''.join(said)}")
        return at_ns


def _phase_ended_ns(lines: list[dict[str, Any]], phase: str) -> int:
    ends = [line["at_ns"] for line in lines if line["event"] == "phase_ended" and line["phase"] == phase]
    return int(ends[-1])


def rows(*, quick: bool) -> list[Row]:
    """Four rows: two of each engine."""
    workers, rounds = (3, 1) if quick else (WORKERS, ROUNDS)
    by_process, by_container = ScenarioTimes("process", workers), ScenarioTimes("compose", workers)
    for one in (by_process, by_container):
        # The first run builds what is missing.
        one.run()
        for found in (one.first_s, one.verdict_s, one.decided_s):
            found.clear()
    in_turn(by_process.run, by_container.run, rounds)
    return [row for one in (by_process, by_container) for row in _rows(one, rounds)]


def _rows(one: ScenarioTimes, rounds: int) -> list[Row]:
    who = f"{one.workers} workers as {WORDS[one.engine]}"
    first_most, first_aim = FIRST_S[one.engine]
    verdict_most, verdict_aim = VERDICT_S
    return [
        Row(
            measure=f"lab.py scenario, {who}: from the command to the first fault",
            baseline="what it may take", unit="s", ours=estimate(one.first_s), theirs=estimate([first_most]),
            figure=estimate(one.first_s), figure_unit="s", cores="not pinned", rounds=rounds,
            must=at_most(first_most), aim=at_most(first_aim),
            remark="less the 5 s of load that the scenario puts before it",
        ),
        Row(
            measure=f"lab.py scenario, {who}: from the last fault to the verdict on the screen",
            baseline="of that until all that is expected is decided", unit="s",
            ours=estimate(one.verdict_s), theirs=estimate(one.decided_s), figure=estimate(one.verdict_s),
            figure_unit="s", cores="not pinned", rounds=rounds, must=at_most(verdict_most),
            aim=at_most(verdict_aim), remark="all must be back, and stay so for 2 s",
        ),
    ]  # fmt: skip
