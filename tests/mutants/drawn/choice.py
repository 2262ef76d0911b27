"""Which tests judge a mutant: those that run its lines, quick ones first, and then all others of its room.

What each test runs is traced once for each state of the code, and kept in .stormlab/mutants/.
"""

from __future__ import annotations

import ast
import hashlib
from pathlib import Path

import msgspec

from tests.mutants.apply import DefectError
from tests.mutants.catchers import ForkServer
from tests.mutants.drawn.mutant import Mutant
from tests.mutants.drawn.rooms import Room
from tests.mutants.drawn.traced import TestTrace
from tests.mutants.sandbox import COPIED, FILES, ROOT

KEPT = ROOT / ".stormlab" / "mutants"
TRACING_MAX_S = 3_600
FIRST_MAX = 40
FIRST_S = 3.0
"""The tests of the first step: their number, and their seconds together (or one test), at most."""
LEAST_S, FACTOR = 3.0, 5.0
"""Processor time of a test: at least this, and at most this multiple of its time when it was traced."""
TRACE = (
    "-q",
    "-p",
    "no:cacheprovider",
    "-p",
    "tests.mutants.hypothesis_profile",
    "-p",
    "tests.mutants.drawn.traced",
)

Traces = dict[str, TestTrace]
Limits = dict[str, float]
"""Tests in the order in which they are run, and how many seconds of processor time each may take."""


def tree() -> str:
    """One name for the state of all code and tests that go into a sandbox."""
    whole = hashlib.sha256()
    inside = [path for folder in COPIED for path in sorted((ROOT / folder).rglob("*"))]
    wanted = [path for path in inside if path.suffix in (".py", ".go", ".mod", ".sum", ".yaml", ".toml")]
    for path in (*wanted, *(ROOT / name for name in FILES)):
        if path.is_file():
            whole.update(f"{path.relative_to(ROOT)}\n".encode() + path.read_bytes())
    return whole.hexdigest()[:16]


def traces_of(room: Room, fork_server: ForkServer, root: Path, state: str) -> Traces:
    """Return what each test of a room runs; traced now where that is not known of this state of the code.
    Raises DefectError.
    """
    kept = KEPT / f"traces-{room.name}.json"
    if kept.exists():
        known = msgspec.json.decode(kept.read_bytes(), type=tuple[str, Traces])
        if known[0] == state:
            return known[1]
    file = root / "traces.json"
    arguments = [*TRACE, "--traced", str(file), *room.test_paths(root)]
    status, out = fork_server.pytest(root, arguments, TRACING_MAX_S)
    if not file.exists():
        raise DefectError(f"the tests of {room.name} could not be traced (status {status}):\n{out[-2000:]}")
    traces = msgspec.json.decode(file.read_bytes(), type=Traces)
    KEPT.mkdir(parents=True, exist_ok=True)
    kept.write_bytes(msgspec.json.encode((state, traces)))
    return traces


def steps(mutant: Mutant, traces: Traces) -> tuple[Limits, Limits]:
    """Return the tests of the first step, and those of the second."""
    changed = statement_lines(mutant.original, mutant.line)
    order = sorted(
        traces,
        key=lambda test: (changed.isdisjoint(traces[test].lines.get(mutant.file, ())), traces[test].took_s),
    )
    first: Limits = {}
    spent_s = 0.0
    for test in order[:FIRST_MAX]:
        spent_s += traces[test].took_s
        if changed.isdisjoint(traces[test].lines.get(mutant.file, ())) or (first and spent_s > FIRST_S):
            break
        first[test] = _limit_s(traces[test])
    return first, {test: _limit_s(traces[test]) for test in order if test not in first}


def statement_lines(source: str, line: int) -> set[int]:
    """Return the lines of the innermost statement around a line, without those of statements in it."""
    found: ast.stmt | None = None
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.stmt) and node.lineno <= line <= (node.end_lineno or 0):
            found = node
    if found is None:
        return {line}
    inner = {
        each
        for node in ast.walk(found)
        if isinstance(node, ast.stmt) and node is not found
        for each in range(node.lineno, (node.end_lineno or 0) + 1)
    }
    return set(range(found.lineno, (found.end_lineno or 0) + 1)) - inner | {line}


def _limit_s(trace: TestTrace) -> float:
    return round(LEAST_S + FACTOR * trace.cpu_s, 1)
