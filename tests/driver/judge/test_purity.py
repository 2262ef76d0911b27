"""Judging is pure: history in, numbers and findings out. No Docker, clock, file or socket."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).parents[3]
CORES = {
    *(
        "histories.connection_history",
        "histories.run_timeline",
        "histories.history",
        "histories.journal_integrity",
    ),
    "histories.outage_phases",
    *("histories.link_connections", "histories.link_names"),
    *("nouns", "own_classes"),
    *(
        "histories.intervals",
        "histories.readings",
        "histories.machine_load",
        "histories.refusals",
        "histories.work",
        "reference.task_history",
        "histories.container_changes",
        "judging.expectations",
        "checks.finding",
        "judging.verdict",
    ),
    *(
        "histories.journal_gaps",
        "scenarios.thresholds",
        "histories.clocks",
        "histories.host_clock",
        "histories.server_events",
    ),
    *(
        "histories.link_names",
        "histories.link_history",
        "histories.system_history",
        "histories.container_names",
    ),
}
PURE = [
    *(ROOT / "driver" / "checks").glob("*.py"),
    *(ROOT / "driver" / "claims").glob("*.py"),
    *(ROOT / "driver" / "metrics").glob("*.py"),
    *(ROOT / "driver" / "reference" / "checks").glob("*.py"),
    *(ROOT / "driver" / "reference" / "metrics").glob("*.py"),
    *(ROOT / "driver" / "forensics").glob("*.py"),
    *(ROOT / "driver" / f"{name.replace('.', '/')}.py" for name in CORES),
    ROOT / "chaos" / "explain.py",
]
ALLOWED = frozenset(
    [
        "__future__",
        "array",
        "bisect",
        "collections",
        "dataclasses",
        "difflib",
        "abc",
        "enum",
        "fractions",
        "inspect",
        "functools",
        "itertools",
        "math",
        "operator",
        "re",
        "types",
        "typing",
        "msgspec",
        "numpy",
        "scipy",
        "chaos",
        "driver",
        "wire",
    ]
)
MAY_REACH = {
    *CORES,
    "histories.events",
    "reference.load_events",
    "histories.journal_kinds",
    "histories.link_events",
    "histories.system_events",
    "visible",
    "exit_codes",
    "typed_json",
}
FORBIDDEN_CALLS = {"open", "print", "input", "exec", "eval", "__import__"}


def imports(tree: ast.AST) -> list[str]:
    names = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.append(node.module)
    return names


def calls(tree: ast.AST) -> set[str]:
    nodes = (node for node in ast.walk(tree) if isinstance(node, ast.Call))
    return {node.func.id for node in nodes if isinstance(node.func, ast.Name)}


def test_pure_files_import_nothing_that_could_reach_outside() -> None:
    for path in PURE:
        for name in imports(ast.parse(path.read_text())):
            top, _, rest = name.partition(".")
            assert top in ALLOWED, f"{path.name} imports {name}"
            is_pure = rest in MAY_REACH or rest.split(".")[0] in {"checks", "claims", "metrics", "forensics"}
            assert top != "driver" or is_pure, f"{path.name} imports {name}"
            assert top != "chaos" or rest in {"evidence", "explain", "units"}, f"{path.name} imports {name}"


def test_pure_files_open_nothing_and_print_nothing() -> None:
    for path in PURE:
        assert not calls(ast.parse(path.read_text())) & FORBIDDEN_CALLS, path.name


def test_the_net_catches_what_it_should() -> None:
    assert "time" in imports(ast.parse("def f():\n    import time\n"))
    assert "os.path" in imports(ast.parse("from os.path import join"))
    assert "open" in calls(ast.parse("open('x').read()"))
