"""Go mutants: the places that gremlins finds and its kinds of change, put in here, since its own runner
would run all of them.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import tempfile
from pathlib import Path

import msgspec

from tests.mutants.apply import DefectError
from tests.mutants.drawn.mutant import Mutant
from tests.mutants.sandbox import ROOT

GREMLINS = "github.com/go-gremlins/gremlins/cmd/gremlins@v0.6.0"
FOLDER = "chaos/toxiproxy"
INSTALL_S, FIND_S = 600, 900
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


def draw(count: int, chance: random.Random) -> list[Mutant]:
    """Draw `count` mutants of the toxics. Raises DefectError where Go or gremlins cannot be had."""
    drawn: list[Mutant] = []
    found = [(file.file_name, place) for file in _find().files for place in file.mutations]
    found.sort(key=lambda each: (each[0], each[1].line, each[1].column, each[1].type))
    chance.shuffle(found)
    taken: set[tuple[str, int, int]] = set()
    for name, place in found:
        if len(drawn) == count:
            break
        file = f"{FOLDER}/{Path(name).name}"
        original = (ROOT / file).read_text()
        changed = _changed(original, place)
        if changed is not None and (file, place.line, place.column) not in taken:
            taken.add((file, place.line, place.column))
            drawn.append(Mutant("toxics", file, place.line, place.type, original, changed))
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


def _find() -> _Output:
    if shutil.which("go") is None:
        rest = "leave them out with --rooms wire coordinator worker judge"
        raise DefectError(
            f"mutants of the toxics need Go 1.24 or newer on PATH, and there is no `go`; {rest}"
        )
    tool = ROOT / ".stormlab" / "tools" / "gremlins"
    if not tool.exists():
        environment = {**os.environ, "GOBIN": str(tool.parent), "GOFLAGS": ""}
        _run(["go", "install", GREMLINS], ROOT, INSTALL_S, environment)
    with tempfile.TemporaryDirectory(prefix="gremlins-") as folder:
        copy = Path(folder) / "toxiproxy"
        shutil.copytree(ROOT / FOLDER, copy)
        output = Path(folder) / "found.json"
        enabled = [f"--{name}" for name in MORE]
        environment = {**os.environ, "CGO_ENABLED": "0", "GOTOOLCHAIN": "local"}
        command = [str(tool), "unleash", "--dry-run", "--output", str(output), *enabled, "."]
        _run(command, copy, FIND_S, environment)
        return msgspec.json.decode(output.read_bytes(), type=_Output)


def _run(command: list[str], folder: Path, limit_s: float, environment: dict[str, str]) -> None:
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=limit_s, check=False
    )
    if done.returncode != 0:
        raise DefectError(f"{' '.join(command)} failed:\n{(done.stdout + done.stderr)[-2000:]}")
