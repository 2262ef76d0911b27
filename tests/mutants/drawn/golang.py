"""Go mutants: the places that gremlins finds and its kinds of change, put in here, since its own runner
would run all of them.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections import Counter
from pathlib import Path

import msgspec

from tests.mutants.apply import DefectError
from tests.mutants.drawn.mutant import Mutant
from tests.mutants.sandbox import ROOT

GREMLINS = "github.com/go-gremlins/gremlins/cmd/gremlins@v0.6.0"
FOLDER = "chaos/toxiproxy"
HARNESS = "internal/labtest/"
"""Code of the tests, which is not drawn from."""
DOWNLOAD_MAX_S, COMPILE_MAX_S, FIND_MAX_S = 1_800, 1_800, 1_800
MORE = (
    "invert-assignments", "invert-bitwise", "invert-bwassign", "invert-logical", "invert-loopctrl",
    "remove-self-assignments",
)  # fmt: skip
CHANGES: dict[str, dict[str, str]] = {
    "ARITHMETIC_BASE": {"+": "-", "-": "+", "*": "/", "/": "*", "%": "*"},
    "CONDITIONALS_BOUNDARY": {">=": ">", ">": ">=", "<=": "<", "<": "<="},
    "CONDITIONALS_NEGATION": {"==": "!=", "!=": "==", ">=": "<", ">": "<=", "<=": ">", "<": ">="},
    "INCREMENT_DECREMENT": {"++": "--", "--": "++"},
    "INVERT_ASSIGNMENTS": {"+=": "-=", "-=": "+=", "*=": "/=", "/=": "*="},
    "INVERT_BITWISE": {"&": "|", "|": "&", "^": "&", "&^": "&", "<<": ">>", ">>": "<<"},
    "INVERT_BWASSIGN": {"&=": "|=", "|=": "&=", "<<=": ">>=", ">>=": "<<="},
    "INVERT_LOGICAL": {"&&": "||", "||": "&&"},
    "INVERT_LOOPCTRL": {"break": "continue", "continue": "break"},
    "INVERT_NEGATIVES": {"-": "+"},
    "REMOVE_SELF_ASSIGNMENTS": dict.fromkeys(("+=", "-=", "*=", "/=", "|=", "&=", "<<=", ">>="), "="),
}
"""As in gremlins's documentation: what each of its kinds makes of a token."""


class _Found(msgspec.Struct):
    """One place. `status` is RUNNABLE where a test runs the line."""

    type: str
    status: str
    line: int
    column: int


class _File(msgspec.Struct):
    file_name: str
    mutations: list[_Found]


class _Output(msgspec.Struct):
    files: list[_File]


def draw(count: int, seed: int) -> list[Mutant]:
    """Draw `count` mutants of the toxics; whether a place is drawn depends on its own line.

    Raises DefectError where Go or gremlins cannot be had.
    """
    drawn: list[Mutant] = []
    sources = {name: (ROOT / FOLDER / name).read_text() for name in _sources()}
    places: list[tuple[str, str, _Found]] = []
    seen: Counter[str] = Counter()
    for file in sorted(_find().files, key=lambda file: file.file_name):
        name = Path(file.file_name).as_posix()
        if name.startswith(HARNESS):
            continue
        for place in sorted(file.mutations, key=lambda each: (each.line, each.column, each.type)):
            text = sources[name].splitlines()[place.line - 1].strip()
            seen[f"{name} {text} {place.column} {place.type}"] += 1
            number = seen[f"{name} {text} {place.column} {place.type}"]
            rank = hashlib.sha256(f"{seed} {name} {text} {place.column} {place.type} {number}".encode())
            places.append((rank.hexdigest(), name, place))
    taken: set[tuple[str, int, int]] = set()
    for _, name, place in sorted(places, key=lambda each: each[0]):
        if len(drawn) == count:
            break
        original, file_name = sources[name], f"{FOLDER}/{name}"
        changed = _changed(original, place)
        if changed is not None and (name, place.line, place.column) not in taken:
            taken.add((name, place.line, place.column))
            drawn.append(Mutant("toxics", file_name, place.line, place.type, original, changed))
    return drawn


def _changed(source: str, place: _Found) -> str | None:
    """Put the change in; columns count bytes from 1."""
    lines = source.encode().split(b"\n")
    line, at = lines[place.line - 1], place.column - 1
    changes = CHANGES.get(place.type, {})
    token = max((each for each in changes if line.startswith(each.encode(), at)), key=len, default=None)
    if token is None:
        return None
    lines[place.line - 1] = line[:at] + changes[token].encode() + line[at + len(token) :]
    return b"\n".join(lines).decode()


def _sources() -> list[str]:
    """Return the Go files, by their paths in FOLDER."""
    return sorted(path.relative_to(ROOT / FOLDER).as_posix() for path in (ROOT / FOLDER).rglob("*.go"))


def _find() -> _Output:
    """Return the places that gremlins finds, as they are kept for this state of the sources."""
    state = hashlib.sha256(GREMLINS.encode())
    for name in _sources():
        state.update(name.encode() + (ROOT / FOLDER / name).read_bytes())
    kept = ROOT / ".stormlab" / "mutants" / f"gremlins-{state.hexdigest()[:16]}.json"
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        _ask_gremlins(kept)
    return msgspec.json.decode(kept.read_bytes(), type=_Output)


def _ask_gremlins(kept: Path) -> None:
    if shutil.which("go") is None:
        rest = "leave them out with --rooms wire coordinator worker judge faults"
        raise DefectError(
            f"mutants of the toxics need Go 1.24 or newer on PATH, and there is no `go`; {rest}"
        )
    tool = ROOT / ".stormlab" / "tools" / "gremlins"
    if not tool.exists():
        environment = {**os.environ, "GOBIN": str(tool.parent), "GOFLAGS": ""}
        _run(["go", "install", GREMLINS], ROOT, DOWNLOAD_MAX_S, environment)
    environment = {**os.environ, "CGO_ENABLED": "0", "GOTOOLCHAIN": "local"}
    with tempfile.TemporaryDirectory(prefix="gremlins-") as folder:
        copy = Path(folder) / "toxiproxy"
        shutil.copytree(ROOT / FOLDER, copy)
        # gremlins runs the tests once for their coverage. What that downloads and compiles counts apart.
        _run(["go", "mod", "download"], copy, DOWNLOAD_MAX_S, environment)
        _run(["go", "test", "-run", "^$", "-cover", "./..."], copy, COMPILE_MAX_S, environment)
        output = Path(folder) / "found.json"
        enabled = [f"--{name}" for name in MORE]
        command = [str(tool), "unleash", "--dry-run", "--output", str(output), *enabled, "."]
        _run(command, copy, FIND_MAX_S, environment)
        output.replace(kept)


def _run(command: list[str], folder: Path, limit_s: float, environment: dict[str, str]) -> None:
    try:
        done = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, timeout=limit_s, check=False
        )
    except subprocess.TimeoutExpired as error:
        out = (error.stdout or b"").decode(errors="replace")[-2000:]
        raise DefectError(f"{' '.join(command)} took more than {limit_s:.0f} s:\n{out}") from None
    if done.returncode != 0:
        raise DefectError(f"{' '.join(command)} failed:\n{(done.stdout + done.stderr)[-2000:]}")
