"""Python mutants, by the operators of cosmic-ray and one of our own: a statement that is left out."""

from __future__ import annotations

import ast
import hashlib
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator, operator_names
from parso.python.tree import PythonNode

from tests.mutants.drawn.mutant import Mutant
from tests.mutants.drawn.places import Span, is_inside, left_out

NOT_USED = ("core/VariableReplacer", "core/VariableInserter", "core/RemoveDecorator", "core/NoOp")
"""The first two need arguments; without its decorator a dataclass is none."""
LEAVES = frozenset(
    ("name", "newline", "string", "endmarker", "fstring_string", "fstring_start", "fstring_end")
)
"""Leaves of the syntax tree that no operator changes."""


class LeaveOutStatement:
    """A call or an assignment to an attribute or an item becomes `pass`: what a refactoring forgets."""

    def mutation_positions(self, node: Any) -> Iterator[Span]:
        """The one position of such a statement."""
        if node.type == "simple_stmt" and self._is_effect(node.children[0]):
            yield (node.start_pos, node.children[0].end_pos)

    def mutate(self, node: Any, index: int) -> Any:
        """`pass` in its place."""
        first = node.children[0]
        prefix = first.get_first_leaf().prefix
        passing = get_ast("pass").children[0]
        passing.prefix = prefix
        return PythonNode("simple_stmt", [passing, *node.children[1:]])

    @staticmethod
    def _is_effect(first: Any) -> bool:
        if first.type == "expr_stmt":
            target = first.children[0]
            return target.type in ("power", "atom_expr") and first.children[1].type != "annassign"
        return first.type in ("power", "atom_expr") and first.children[-1].type == "trailer"


def operators() -> dict[str, Any]:
    """Every operator by its name."""
    found = {name: get_operator(name)() for name in operator_names() if name not in NOT_USED}
    return {**found, "LeaveOutStatement": LeaveOutStatement()}


def draw(root: Path, room: str, files: list[str], count: int, seed: int) -> list[Mutant]:
    """Draw `count` mutants of a room's files: places first, all as likely, then an operator that fits.
    Whether a place is drawn depends on its own line, and on how many are drawn.
    """
    drawn: list[Mutant] = []
    known = operators()
    sources = {file: (root / file).read_text() for file in files}
    places = [place for file, source in sources.items() for place in _places(file, source, known)]
    for place in sorted(places, key=lambda place: hashlib.sha256(f"{seed} {place.name}".encode()).digest()):
        if len(drawn) == count:
            break
        source = sources[place.file]
        name, occurrence = random.Random(f"{seed} {place.name}").choice(place.changes)
        changed = mutate_code(source, known[name], occurrence)
        if changed is not None and _is_other_code(source, changed):
            drawn.append(Mutant(room, place.file, place.line, name, source, changed))
    return drawn


@dataclass(frozen=True)
class _Place:
    """A place, and what can be changed there: operators, each with the number of its occurrence in the file.
    `name` stays the same while other lines change.
    """

    file: str
    line: int
    name: str
    changes: list[tuple[str, int]]


def _places(file: str, source: str, known: dict[str, Any]) -> list[_Place]:
    outside = left_out(source)
    nodes = [node for node in ast_nodes(get_ast(source)) if node.type not in LEAVES]
    changes: dict[Span, list[tuple[str, int]]] = {}
    for name, operator in known.items():
        spans = [span for node in nodes for span in operator.mutation_positions(node)]
        for occurrence, span in enumerate(spans):
            if not is_inside(span, outside):
                changes.setdefault(span, []).append((name, occurrence))
    lines = source.splitlines()
    seen: Counter[str] = Counter()
    places = []
    for span in sorted(changes):
        (line, begin), (_, end) = span
        name = f"{file} {lines[line - 1].strip()} {begin} {end}"
        seen[name] += 1
        places.append(_Place(file, line, f"{name} {seen[name]}", changes[span]))
    return places


def _is_other_code(source: str, changed: str) -> bool:
    try:
        return ast.dump(ast.parse(source)) != ast.dump(ast.parse(changed))
    except SyntaxError:
        return False
