"""Tests wait for a condition (tests/waiting.py), not for a time: a plain sleep is too short on a busy
machine, and too long on every other one. The times of what they test are arguments that they pass.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent
SLEEPS = {("time", "sleep"), ("asyncio", "sleep")}
TIME = re.compile(r"(?:^|\.)_?(?:[A-Z][A-Z_]*_(?:S|MS|NS|US)|(?:[A-Z_]+_)?(?:TIMING|TIMEOUT|DEADLINE))$")
CLOCKS = "time|monotonic|perf_counter|process_time|thread_time|clock_gettime"
CLOCK = re.compile(rf"(?:^|\.)(?:time|asyncio)\.(?:sleep|(?:{CLOCKS})(?:_ns)?)$")
"""A function of the standard library that waits for a time, or reads a clock."""
PATCHES = re.compile(r"(?:^|\.)(?:setattr|setitem|delattr|delitem|patch(?:\.(?:object|multiple|dict))?)$")
KEPT = {
    ("waiting.py", ""): "the helper itself",
    ("chaos/test_connections.py", "joins"): "the time between two bytes of an answer",
    ("chaos/test_link_prober.py", "test_a_prober_takes_a_bounded_number_of_turns_whatever_its_rate"): (
        "the time in which the turns are counted"
    ),
    ("driver/loads/test_http_load.py", "test_latency_counts_from_the_due_instant_while_answers_stall"): (
        "the time that an answer takes"
    ),
    ("driver/test_fault_runner.py", "_reached"): "the time until a message passes a door",
    ("driver/test_fault_runner.py", "Slow"): "a container that takes this long to be killed or restarted",
    ("e2e/sabotage.py", "at"): "the schedule of a sabotage: an instant of a fault that lasts",
    ("fuzz/live.py", "feed"): "the rate of the load",
    ("fuzz/live_fuzz.py", "_watch"): "the rate of the samples",
    ("systems/fragile/once.py", ""): "the rate of a client's requests, in a container",
    ("systems/test_observations.py", "run"): "the time in which readings are made, and are not",
    ("systems/test_doors_agree.py", "Door"): "the schedule of the faults",
    ("systems/test_doors_agree.py", "outages"): "the schedule of the faults",
    ("integration/test_sabotage.py", "Saboteur"): "the schedule of a sabotage: instants of faults that last",
    ("integration/test_session_survives.py", "work_behind_a_checkpoint"): "steps that are then redone",
    ("two_terminals.py", "run_pair"): "the drawn time between two commands",
    ("worker/test_tasks.py", "test_computing_does_not_keep_the_event_loop_from_its_work"): (
        "the turns of the loop are what is measured"
    ),
}
"""What lasts that long where a test sleeps: in a file, and in a definition of it ("": anywhere)."""


def sleeps(source: str) -> Iterator[tuple[str, int]]:
    """Each plain sleep of a module: the definitions around it, and its line. `sleep(0)` waits for no time."""
    tree = ast.parse(source)
    modules: dict[str, str] = {}
    functions: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            modules |= {alias.asname or alias.name: alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            functions |= {
                alias.asname or alias.name for alias in node.names if (node.module, alias.name) in SLEEPS
            }

    def found(node: ast.AST, scope: str) -> Iterator[tuple[str, int]]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                yield from found(child, f"{scope}.{child.name}".lstrip("."))
                continue
            if isinstance(child, ast.Call) and (
                (is_sleep(child.func) and not is_zero(child)) or any(is_sleep(arg) for arg in child.args)
            ):
                yield scope, child.lineno
            yield from found(child, scope)

    def is_sleep(called: ast.expr) -> bool:
        if isinstance(called, ast.Attribute) and isinstance(called.value, ast.Name):
            return (modules.get(called.value.id), called.attr) in SLEEPS
        return isinstance(called, ast.Name) and called.id in functions

    yield from found(tree, "")


def is_zero(call: ast.Call) -> bool:
    return bool(call.args) and isinstance(call.args[0], ast.Constant) and call.args[0].value == 0


@cache
def all_sleeps() -> list[tuple[str, str, int]]:
    texts = {path: path.read_text() for path in sorted(ROOT.rglob("*.py"))}
    return [
        (path.relative_to(ROOT).as_posix(), scope, line)
        for path, text in texts.items()
        if "sleep" in text
        for scope, line in sleeps(text)
    ]


def kept_for(file: str, scope: str) -> tuple[str, str] | None:
    """The entry of KEPT for a sleep, if any."""
    return next((one for one in KEPT if one[0] == file and one[1] in ("", *scope.split("."))), None)


def test_a_test_waits_for_a_condition_and_not_for_a_time() -> None:
    plain = [f"tests/{file}:{line}" for file, scope, line in all_sleeps() if kept_for(file, scope) is None]
    assert not plain, (
        f"plain sleeps in {plain}. Wait for a condition with tests/waiting.py, or have an event or a clock"
        " that the test controls; where something really has to last that long, say in KEPT what it is."
    )


def test_every_sleep_that_is_kept_is_there() -> None:
    assert {kept_for(file, scope) for file, scope, _ in all_sleeps()} >= set(KEPT)


def patched_times(source: str) -> list[int]:
    """The lines of a module that patch a time of another one: a constant whose name ends in a unit of time,
    or says that it is a time; a sleep; a clock.
    """
    return sorted(
        node.lineno
        for node in ast.walk(ast.parse(source))
        if (isinstance(node, ast.Call) and any(is_time(name) for name in patched_by(node)))
        or (isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign | ast.Delete) and sets_time(node))
    )


def is_time(name: str) -> bool:
    """Whether a name with its module's path, as far as that is known, is one of a time."""
    return bool(TIME.search(name) or CLOCK.search(name))


def patched_by(call: ast.Call) -> Iterator[str]:
    """The names that a call replaces: `setattr`, `setitem`, `delattr` and `patch` in all their forms."""
    if not PATCHES.search(ast.unparse(call.func)):
        return
    first, second = [*call.args, None, None][:2]
    where = "" if first is None else namespace(first)
    if isinstance(first, ast.Constant):
        yield where
    if isinstance(second, ast.Constant):
        yield f"{where}.{second.value!s}"
    elif isinstance(second, ast.Dict):
        yield from (f"{where}.{key.value!s}" for key in second.keys if isinstance(key, ast.Constant))
    for keyword in call.keywords:
        yield f"{where}.{keyword.arg}"
        if isinstance(keyword.value, ast.Constant):
            yield str(keyword.value.value)


def namespace(node: ast.expr) -> str:
    """The module that an expression means: itself, by its `vars` or `__dict__`, or by its text."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    return re.sub(r"^vars\((.*)\)$|\.__dict__$", r"\1", ast.unparse(node))


def sets_time(node: ast.Assign | ast.AnnAssign | ast.AugAssign | ast.Delete) -> bool:
    """Whether it assigns to, or deletes, a time of another module."""
    targets = node.targets if isinstance(node, ast.Assign | ast.Delete) else [node.target]
    for target in targets:
        for one in target.elts if isinstance(target, ast.Tuple | ast.List) else [target]:
            if isinstance(one, ast.Attribute) and is_time(ast.unparse(one)):
                return True
            if isinstance(one, ast.Subscript) and isinstance(one.slice, ast.Constant):
                is_module = re.search(r"^vars\(|\.__dict__$", ast.unparse(one.value))
                if is_module and is_time(f"{namespace(one.value)}.{one.slice.value!s}"):
                    return True
    return False


def test_a_time_limit_is_passed_and_not_patched() -> None:
    files = {path: path.read_text() for path in sorted(ROOT.rglob("*.py"))}
    found = [
        f"tests/{path.relative_to(ROOT)}:{line}"
        for path, text in files.items()
        if path != Path(__file__)
        for line in patched_times(text)
    ]
    assert not found, (
        f"patched times in {found}. Give what is tested an argument, or a frozen dataclass of its times (as"
        " LeaseTiming), whose default is the constant, and pass it."
    )


def test_a_patched_time_is_found_by_each_of_its_forms() -> None:
    source = """
monkeypatch.setattr(module, "POLL_S", 0.1)
monkeypatch.setattr("driver.labs.heal.START_IN_NS", 0)
monkeypatch.setattr(module, "LOCKS", folder)
patch.setattr(module, "POLL_S", 0.1)
mock.patch.object(module, "POLL_S", 0.1)
module.POLL_S = 0.1
module.LOCKS = POLL_S = folder
setattr(module, "POLL_S", 0.1)
mock.patch("driver.labs.heal.POLL_S", 0.1)
mock.patch.multiple(module, POLL_S=0.1)
mock.patch.dict(vars(module), {"POLL_S": 0.1})
monkeypatch.setitem(vars(module), "POLL_S", 0.1)
monkeypatch.setattr(target=module, name="POLL_S", value=0.1)
vars(module)["POLL_S"] = module.__dict__["LOCKS"] = 0.1
module.__dict__["POLL_S"] = 0.1
module.LOCKS, module.POLL_S = folder, 0.1
monkeypatch.setattr(module, "TIMING", HealTiming(0.1))
monkeypatch.setattr(module, "STOP_TIMEOUT", 0.1)
monkeypatch.setattr(time, "sleep", lambda s: None)
monkeypatch.setattr("driver.labs.heal.asyncio.sleep", soon)
monkeypatch.setattr(heal.time, "monotonic_ns", lambda: 7)
mock.patch("time.time", lambda: 7.0)
time.sleep = time.monotonic = now
monkeypatch.setattr(module, "sleep_ms", 7)
monkeypatch.setitem(ANSWERS, "time", 7)
kinds["sleep"] = kind
"""
    whole = source.splitlines()
    not_times = ('LOCKS", folder', "LOCKS = POLL_S", "sleep_ms", "ANSWERS", "kinds")
    expected = [n for n, line in enumerate(whole, 1) if line and not any(one in line for one in not_times)]
    assert patched_times(source) == expected


def test_a_sleep_is_found_by_each_of_its_names() -> None:
    source = """
import asyncio, time as clock
from asyncio import sleep as pause
async def work():
    clock.sleep(1)
    await pause(1)
    await asyncio.sleep(0)
    await asyncio.to_thread(clock.sleep, 1)
class Slow:
    def act(self): clock.sleep(self.s)
"""
    assert list(sleeps(source)) == [("work", 5), ("work", 6), ("work", 8), ("Slow.act", 10)]
