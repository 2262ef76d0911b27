"""What docstrings say of errors is what the code does: a function that says `Raises X` can raise X, by itself
or through what it calls, and names all that it raises itself. This is read from the code, as far as it can
be: a method of an object of unknown type may be any of that name in the rooms that the module may import.
"""

from __future__ import annotations

import ast
import asyncio
import builtins
import importlib
import inspect
import re
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from types import ModuleType

import pytest

from tests.test_import_rules import MAY_IMPORT, modules, room_of

DEPTH = 4
"""How many calls deep an error may come from."""
MOST_OF_A_NAME = 12
"""A method that more classes than these have may be any of them: what it raises excuses nothing."""
CLAIM = re.compile(r"\b[Rr]aises? ((?:[^.]|\.(?=\w))+)")
NAME = re.compile(r"\b(?:[a-z_]\w*\.)*[A-Z]\w*Error\b|\b[a-z_]\w*\.Error\b")
UNSEEN = {
    "wire.journal_chain.JournalWriter.flush": "os.write is passed to it",
    "driver.cli.options_system.compose_file": "it imports what raises them where it is called",
    "driver.engines.compose_command.ComposeCommand.__call__": "the class follows from Compose's text",
    "driver.engines.docker_sdk.DockerSdk.start": "the class follows from the engine's text",
    "driver.engines.docker_sdk.DockerSdk.connect": "the class follows from the engine's text",
    "driver.labs.heal._undo": "a method of the engine is looked up in a table",
    "driver.reference.manual_load.default_workload": "pydantic's ValidationError is a ValueError",
    "driver.scenarios.yaml_file.substitute": "a subscript raises KeyError",
}
"""Functions whose errors cannot be read from their code, and where these come from."""
ALWAYS = (AssertionError, asyncio.CancelledError)
"""Errors that no docstring has to name."""
Errors = frozenset[type[BaseException]]
OUTSIDE: dict[type[Exception], set[str]] = {
    OSError: {
        *("open", "fdopen", "write", "write_bytes", "write_text", "read_bytes", "mkdir", "replace", "fsync"),
        *("setuid", "setgid", "setgroups", "fork", "chmod", "chown", "touch", "unlink"),
    },
    sqlite3.Error: {"execute", "executemany", "executescript"},
    TimeoutError: {"timeout", "wait_for"},
    ValueError: {"int", "float", "fromhex"},
}
"""Errors of the standard library that docstrings name, and the calls that raise them."""


@dataclass(frozen=True)
class Function:
    """A function of ours: its module, the names around it, and its code."""

    module: str
    qualname: str
    node: ast.FunctionDef | ast.AsyncFunctionDef

    @property
    def name(self) -> str:
        return f"{self.module}.{self.qualname}"

    @property
    def owner(self) -> type | None:
        """The class whose method it is."""
        found: object = loaded(self.module)
        for part in self.qualname.split(".")[:-1]:
            found = getattr(found, part, None)
        return found if isinstance(found, type) else None

    @property
    def is_abstract(self) -> bool:
        """Whether it has no code but its docstring, and a `...` perhaps."""
        return {type(getattr(one, "value", one)) for one in self.node.body} == {ast.Constant}

    def claimed(self) -> list[str]:
        """The names of errors in sentences of its docstring that say `Raises`."""
        return claims_in(ast.get_docstring(self.node))

    def promised(self) -> list[str]:
        """Those that every implementation of an abstract method may raise, as its module or class says."""
        return [
            *self.claimed(),
            *claims_in(inspect.getdoc(self.owner)),
            *claims_in(loaded(self.module).__doc__),
        ]


def claims_in(docstring: str | None) -> list[str]:
    text = " ".join((docstring or "").split())
    return [name for claim in CLAIM.findall(text) for name in NAME.findall(claim)]


@cache
def loaded(module: str) -> ModuleType:
    return importlib.import_module(module)


@cache
def functions() -> dict[tuple[str, str], Function]:
    """Every function of ours by its module and qualified name."""

    def inside(module: str, node: ast.AST, around: str) -> Iterator[Function]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
                yield Function(module, f"{around}{child.name}", child)
            elif isinstance(child, ast.ClassDef):
                yield from inside(module, child, f"{around}{child.name}.")

    every = (
        one for module, path in modules().items() for one in inside(module, ast.parse(path.read_text()), "")
    )
    return {(one.module, one.qualname): one for one in every}


@cache
def methods(room: str) -> dict[str, list[Function]]:
    """The methods, by their own names, that code of a room can call."""
    found: defaultdict[str, list[Function]] = defaultdict(list)
    for one in functions().values():
        if "." in one.qualname and room_of(one.module) in {room, *MAY_IMPORT[room]}:
            found[one.node.name].append(one)
    return dict(found)


@cache
def error_classes() -> dict[str, type[BaseException]]:
    """Every error class of ours by its name."""
    found = {}
    for module, path in modules().items():
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.ClassDef) and node.name.endswith("Error"):
                found[node.name] = getattr(loaded(module), node.name)
    return found


def value_of(module: str, dotted: str) -> object:
    """What a name means in a module: one of its own, a builtin, or one with its module's path; else None."""
    head, *rest = dotted.split(".")
    found = getattr(loaded(module), head, None) or getattr(builtins, head, None)
    for part in rest:
        found = getattr(found, part, None)
    if found is None and rest:
        path, _, last = dotted.rpartition(".")
        if path in modules():
            found = getattr(loaded(path), last, None)
    return found


def error_named(module: str, dotted: str) -> type[BaseException] | None:
    """The error class that a docstring or a `raise` of a module names."""
    found = value_of(module, dotted) or error_classes().get(dotted)
    return found if isinstance(found, type) and issubclass(found, BaseException) else None


class _Reader:
    """Collects the errors that leave a function, those that it catches left out."""

    def __init__(self, function: Function, depth: int) -> None:
        self._function = function
        self._depth = depth
        self._caught: dict[str, Errors] = {}
        self._handling: Errors = frozenset()

    def errors(self) -> Errors:
        return self._of_all(self._function.node.body)

    def _of_all(self, nodes: Iterable[ast.AST]) -> Errors:
        return frozenset().union(*(self._of(node) for node in nodes))

    def _of(self, node: ast.AST) -> Errors:
        if isinstance(node, ast.Try | ast.TryStar):
            return self._of_try(node)
        if isinstance(node, ast.With | ast.AsyncWith):
            return self._of_with(node)
        found = self._of_all(ast.iter_child_nodes(node))
        if isinstance(node, ast.Raise):
            found |= self._handling if node.exc is None else self._raised(node.exc)
        elif isinstance(node, ast.Assert):
            found |= {AssertionError}
        elif isinstance(node, ast.Call) and self._depth:
            found |= self._of_call(node)
        return found

    def _of_try(self, node: ast.Try | ast.TryStar) -> Errors:
        inner = self._of_all(node.body)
        found = self._of_all([*node.orelse, *node.finalbody])
        for handler in node.handlers:
            types = self._types(handler.type)
            caught = frozenset(one for one in inner if issubclass(one, types))
            inner -= caught
            before = self._handling
            # What is caught, and what is named: that may come from calls whose code is not read.
            self._handling = caught | (
                frozenset(types) - {Exception, BaseException} if self._depth else frozenset()
            )
            if handler.name:
                self._caught[handler.name] = self._handling
            found |= self._of_all(handler.body)
            self._handling = before
        return found | inner

    def _of_with(self, node: ast.With | ast.AsyncWith) -> Errors:
        found = self._of_all([*(item.context_expr for item in node.items)])
        inner = self._of_all(node.body)
        for item in node.items:
            call = item.context_expr
            if isinstance(call, ast.Call) and ast.unparse(call.func).endswith("suppress"):
                types = tuple(one for arg in call.args for one in self._types(arg))
                inner = frozenset(one for one in inner if not issubclass(one, types))
        return found | inner

    def _types(self, node: ast.expr | None) -> tuple[type[BaseException], ...]:
        if node is None:
            return (BaseException,)
        if isinstance(node, ast.Tuple):
            return tuple(one for part in node.elts for one in self._types(part))
        named = value_of(self._function.module, ast.unparse(node))
        if isinstance(named, tuple):
            return named
        error = error_named(self._function.module, ast.unparse(node))
        return () if error is None else (error,)

    def _raised(self, node: ast.expr) -> Errors:
        if isinstance(node, ast.Name) and node.id in self._caught:
            return self._caught[node.id]
        called = node.func if isinstance(node, ast.Call) else node
        error = error_named(self._function.module, ast.unparse(called))
        if error is not None:
            return frozenset({error})
        made: set[type[BaseException]] = set()
        for one in self._called(called):
            returns = ast.unparse(one.node.returns) if one.node.returns else ""
            for name in NAME.findall(returns):
                named = error_named(one.module, name)
                made |= {named} if named else set()
        return frozenset(made)

    def _of_call(self, node: ast.Call) -> Errors:
        name = ast.unparse(node.func).rpartition(".")[2]
        found: set[type[BaseException]] = {error for error, calls in OUTSIDE.items() if name in calls}
        # A function that is passed on is taken for one that is called (`asyncio.to_thread`, `partial`).
        passed = [one for one in node.args if isinstance(one, ast.Name | ast.Attribute)]
        for one in (node.func, *passed):
            for called in self._called(one):
                found |= errors_of(called, self._depth - 1)
        return frozenset(found)

    def _called(self, node: ast.expr) -> list[Function]:
        """The functions of ours that an expression may mean."""
        dotted = ast.unparse(node)
        owner = self._function.owner
        if (
            isinstance(node, ast.Attribute)
            and ast.unparse(node.value) in ("self", "cls", "super()")
            and owner
        ):
            members = [getattr(one, node.attr, None) for one in owner.__mro__[dotted.startswith("super") :]]
            return known([one for one in members if one is not None][:1]) or self._named(node.attr)
        value = value_of(self._function.module, dotted)
        if value is not None:
            return known([value])
        return self._named(node.attr) if isinstance(node, ast.Attribute) else []

    def _named(self, method: str) -> list[Function]:
        named = methods(room_of(self._function.module)).get(method, [])
        return named if len(named) <= MOST_OF_A_NAME else []


def known(values: Iterable[object]) -> list[Function]:
    """Those of some values that are functions of ours; a class stands for what runs when it is made."""
    found = []
    for value in values:
        made = [getattr(value, name, None) for name in ("__init__", "__post_init__")]
        for one in made if isinstance(value, type) else [value]:
            plain = inspect.unwrap(one) if callable(one) else one
            plain = getattr(plain, "__func__", plain)
            place = getattr(plain, "__module__", ""), getattr(plain, "__qualname__", "")
            if place in functions():
                found.append(functions()[place])
    return found


@cache
def errors_of(function: Function, depth: int) -> Errors:
    """The errors that can leave a function, as far as the code says."""
    if function.is_abstract:
        named = [error_named(function.module, name) for name in function.promised()]
        return frozenset(one for one in named if one is not None)
    return _Reader(function, depth).errors()


def held() -> list[Function]:
    """The functions that say something of errors."""
    return [one for one in functions().values() if one.claimed()]


def unseen(function: Function) -> list[str]:
    """The names of errors that a docstring claims, and that no code is found to raise."""
    can = errors_of(function, DEPTH)
    found = []
    for name in function.claimed():
        error = error_named(function.module, name)
        assert error is not None, f"{name} is not the name of an error in {function.module}"
        if not any(issubclass(one, error) for one in can):
            found.append(name)
    return found


@pytest.mark.parametrize("function", held(), ids=lambda one: one.name)
def test_what_a_docstring_says_is_raised_can_be_raised(function: Function) -> None:
    missing = [] if function.name in UNSEEN else unseen(function)
    found = sorted(one.__name__ for one in errors_of(function, DEPTH))
    assert not missing, f"expected code that raises {missing}; found {found}"


@pytest.mark.parametrize("name", UNSEEN)
def test_each_error_that_cannot_be_read_from_the_code_is_claimed_and_not_found(name: str) -> None:
    (function,) = [one for one in held() if one.name == name]
    assert unseen(function), f"its errors are found in the code: leave {name} out of UNSEEN"


def test_a_method_of_many_classes_excuses_no_claim() -> None:
    named = _Reader(functions()["driver.labs.heal", "heal"], DEPTH)._named
    room = methods(room_of("driver.labs.heal"))
    many = next(name for name, found in room.items() if len(found) > MOST_OF_A_NAME)
    few = next(name for name, found in room.items() if len(found) <= MOST_OF_A_NAME)
    assert named(many) == []
    assert named(few) == room[few]


@pytest.mark.parametrize("function", held(), ids=lambda one: one.name)
def test_a_docstring_that_names_errors_names_all_that_its_function_raises(function: Function) -> None:
    if function.is_abstract:
        return
    named = tuple(one for name in function.claimed() if (one := error_named(function.module, name)))
    unnamed = [one for one in errors_of(function, 0) if not issubclass(one, (*named, *ALWAYS))]
    assert not unnamed, f"expected `Raises` to name {unnamed} too; found {function.claimed()}"
