"""A Go mutant before its tests: compiled once, quick tests first; a failure counts when it comes again."""

from __future__ import annotations

import re
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from tests.mutants.apply import DefectError
from tests.mutants.catchers import Caught, run_for
from tests.mutants.drawn.golang import FOLDER

COMPILE_MAX_S = 900.0
CONTROL_MAX_S = 900.0
QUICK_S = 0.3
LEAST_S, FACTOR = 60.0, 10.0
"""Time by the clock for the tests of a mutant: at least this, and this multiple of their time without one."""
_FAILED = re.compile(r"^\s*--- FAIL: (\w+)", re.M)


@dataclass(frozen=True)
class GoTests:
    """The tests by how long they take, and for how long all of them may run."""

    quick: tuple[str, ...]
    slow: tuple[str, ...]
    limit_s: float


def measured(root: Path) -> GoTests | Caught:
    """Run all tests of the code as it is. Return how they are to be run, or what fails."""
    programs = _compiled(root)
    if programs is None:
        raise DefectError("the toxics do not compile without a mutant: see `go vet ./...` in chaos/toxiproxy")
    began_s = time.monotonic()
    status, out = _run(programs, root, ("-test.v",), CONTROL_MAX_S)
    if status != 0:
        return _caught(out, began_s)
    took_s = {name: float(took) for name, took in re.findall(r"^\W*--- PASS: (\w+) \(([\d.]+)s\)", out, re.M)}
    order = sorted(took_s, key=lambda name: took_s[name])
    quick = tuple(name for name in order if took_s[name] < QUICK_S)
    limit_s = max(LEAST_S, FACTOR * (time.monotonic() - began_s))
    return GoTests(quick, tuple(name for name in order if name not in quick), limit_s)


def judge(root: Path, tests: GoTests) -> Caught | bool:
    """Return what catches the mutant in `root`; else whether it compiles."""
    programs = _compiled(root)
    if programs is None:
        return False
    began_s = time.monotonic()
    for names in (tests.quick, tests.slow):
        status, out = _run(programs, root, _only(names), tests.limit_s)
        if status is None:
            return Caught("go test", f"no end within {tests.limit_s:.0f} s", time.monotonic() - began_s)
        if status == 0:
            continue
        caught = _caught(out, began_s)
        if caught.by == "go test" or _run(programs, root, _only((caught.by,)), tests.limit_s)[0] != 0:
            return caught
        # That test fails now and then on a machine that is busy: the others decide.
        others = tuple(name for name in names if name != caught.by)
        if _run(programs, root, _only(others), tests.limit_s)[0] != 0:
            return caught
    return True


def _only(names: tuple[str, ...]) -> tuple[str, ...]:
    return ("-test.failfast", f"-test.run=^({'|'.join(names)})$")


def _run(
    programs: list[Path], root: Path, arguments: tuple[str, ...], limit_s: float
) -> tuple[int | None, str]:
    """Run the programs one after the other, each in its package's folder, until one fails or does not end."""
    began_s = time.monotonic()
    output = ""
    for program in programs:
        left_s = max(0.0, limit_s - (time.monotonic() - began_s))
        folder = root / FOLDER / "internal" / program.stem
        status, out = run_for([str(program), *arguments], folder, left_s)
        output += out
        if status != 0:
            return status, output
    return 0, output


def _compiled(root: Path) -> list[Path] | None:
    """Compile the tests of each package. Return the programs; None where the code does not compile."""
    if shutil.which("go") is None:
        raise DefectError("mutants of the toxics need Go 1.24 or newer on PATH, and there is no `go`")
    programs = root / "toxics-tests"
    programs.mkdir(exist_ok=True)
    command = ["go", "test", "-c", "-o", f"{programs}/", "./..."]
    status, out = run_for(command, root / FOLDER, COMPILE_MAX_S)
    if status is None:
        raise DefectError(f"{' '.join(command)} took more than {COMPILE_MAX_S:.0f} s:\n{out[-2000:]}")
    return sorted(programs.glob("*.test")) if status == 0 else None


def _caught(out: str, began_s: float) -> Caught:
    failed = _FAILED.search(out)
    because = "" if failed else out.strip()[-120:]
    return Caught(failed[1] if failed else "go test", because, time.monotonic() - began_s)
