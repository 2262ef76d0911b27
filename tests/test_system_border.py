"""The border of the reference system: everything else speaks of services and links, of clients and servers.

What is special to the reference system (a coordinator, its workers, their tasks) is in the rooms REFERENCE. A
general module imports none of them, but for the few of ROOTS, where what a system has is put together. Its
names and docstrings have none of the reference system's words, but for those of WORDS, each with its reason.
The commands of the reference lab, COMMANDS, are free of both rules.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest

from tests.test_import_rules import imported_by, modules

REFERENCE = ("coordinator", "worker", "wire", "driver.reference")
GENERAL_WIRE = {
    *("wire", "wire.declarations", "wire.errors", "wire.events", "wire.host_header", "wire.journal_chain"),
    *("wire.limits", "wire.policies", "wire.probe", "wire.probe_stream"),
}
"""What processes of any system could share: lines of journals and their limits, errors, policies, probes."""
ROOTS = {
    "driver.scenarios.kinds": "puts its scenarios beside those of a system of one's own",
    "driver.engines.process.lab_services": "says which programs a lab of processes starts",
    "driver.checks.catalogue": "finds the checks of the reference system beside those of any",
    "driver.controls.catalogue": "finds its controls",
    "driver.metrics.catalogue": "finds its families of metrics",
    "driver.histories.journal_kinds": "says which kinds of events each process may write",
    "driver.histories.work": "reads the reference system's tasks as units of work",
    "driver.forensics.settings": "reads the settings that its processes write down",
    "driver.report.subject_choice": "chooses what a report shows of a run's system",
}
"""Modules that import a room of the reference system, each with what for."""
COMMANDS = {
    "driver.cli.reference": "what commands do on the reference lab, where no --system is named",
    "driver.cli.load": "a command of the reference lab alone: it submits tasks",
}
"""Commands of the reference lab: they may have its words, and import it."""
WORD = re.compile(r"worker|coordinator|(?<![a-z])task", re.IGNORECASE)
ASYNCIO = re.compile(r"_?tasks?|Task|TaskGroup|create_task|all_tasks|current_task")
"""A task of asyncio, in a module that imports it."""
WORDS = {
    "chaos.anchor": ({"worker"}, "its examples name a service of some system"),
    "chaos.targets": ({"worker", "workers", "coordinator"}, "how users write targets in the reference lab"),
    "driver.cli.logs": ({"worker", "coordinator"}, "its help names containers of the reference lab"),
    "driver.forensics.settings": ({"CoordinatorSettings", "WorkerSettings"}, "a root: their types"),
    "driver.histories.journal_folder": ({"worker"}, "an example of a path"),
    "driver.histories.journal_kinds": ({"CoordinatorEvent", "WorkerEvent"}, "a root: their types"),
    "driver.histories.server_events": (
        {"worker", "WorkerGone", "WorkerJoined", "WorkerLost"},
        "gives the kinds of the reference system's journals the names that any system has for them",
    ),
    "driver.histories.work": (
        {
            "task",
            "tasks",
            "worker",
            "task_index",
            "TaskHistory",
            "TaskDone",
            "TaskSubmitted",
            "TasksAccepted",
        },
        "a root: what a unit of work is in the reference system",
    ),
    "driver.machine.base_images": ({"max_workers"}, "a parameter of concurrent.futures"),
}
"""Words that a general module may have, each list with its reason."""
MOST_ROOTS, MOST_COMMANDS, MOST_WORDS = 9, 2, 9


def is_inside(module: str, rooms: tuple[str, ...]) -> bool:
    """Whether a module is one of `rooms` or in one."""
    return any(module == room or module.startswith(f"{room}.") for room in rooms)


GENERAL = [
    name
    for name in sorted(modules())
    if name.startswith(("chaos", "driver")) and not is_inside(name, (*REFERENCE, *COMMANDS))
]


def reached(module: str) -> set[str]:
    """The modules of REFERENCE that a module imports, also those that it only names, in a string."""
    nodes = ast.walk(ast.parse(modules()[module].read_text()))
    texts = {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    named = {text for text in texts if "." in text}
    found = (imported_by(module) | named) & modules().keys()
    return {name for name in found if is_inside(name, REFERENCE)} - GENERAL_WIRE


def names(tree: ast.Module) -> Iterator[str]:
    """Names of functions, classes, arguments, variables, attributes and imports."""
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
            case ast.arg(arg=name) | ast.keyword(arg=str(name)):
                yield name
            case ast.Name(id=name) | ast.Attribute(attr=name):
                yield name
            case ast.alias(name=name, asname=other):
                yield from {name.rpartition(".")[2], other or ""}


def prose(tree: ast.Module) -> Iterator[str]:
    """Words of docstrings. What stands between backticks is a name that users or files have."""
    for node in ast.walk(tree):
        for one in getattr(node, "body", ()) if not isinstance(node, ast.Lambda | ast.IfExp) else ():
            if isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant):
                yield from re.findall(r"\w+", re.sub(r"`[^`]*`", "", str(one.value.value)))


def words_of_the_reference(module: str) -> set[str]:
    """The names and words of a module that WORD finds."""
    tree = ast.parse(modules()[module].read_text())
    found = {word for word in (*names(tree), *prose(tree)) if WORD.search(word)}
    has_tasks = "asyncio" in imported_by(module)
    return {word for word in found if not (has_tasks and ASYNCIO.fullmatch(word))}


@pytest.mark.parametrize("module", GENERAL)
def test_a_general_module_imports_no_room_of_the_reference_system(module: str) -> None:
    assert module in ROOTS or not reached(module), f"{module} imports {reached(module)}"


@pytest.mark.parametrize("module", GENERAL)
def test_a_general_module_has_no_word_of_the_reference_system(module: str) -> None:
    allowed, _ = WORDS.get(module, (set[str](), ""))
    found = words_of_the_reference(module) - allowed
    assert not found, f"{module} says {sorted(found)}: call the ends of a link client and server"


def test_each_exception_is_needed_and_they_stay_few() -> None:
    assert len(ROOTS) <= MOST_ROOTS
    assert len(COMMANDS) <= MOST_COMMANDS
    assert len(WORDS) <= MOST_WORDS
    assert not [module for module in ROOTS if not reached(module)]
    assert not [module for module, (words, _) in WORDS.items() if words - words_of_the_reference(module)]


def test_the_rooms_of_the_reference_system_import_no_command() -> None:
    inside = [name for name in modules() if name.startswith("driver.reference")]
    assert not [one for one in inside if any(name.startswith("driver.cli") for name in imported_by(one))]
