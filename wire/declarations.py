"""Finds what each module of a package declares, so that a new module needs no line in another file."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType
from typing import TypeVar

T = TypeVar("T")
V = TypeVar("V")


class DeclarationError(Exception):
    """A module of the package declares nothing or is not there, or a name is declared twice."""


def declarations(
    package: str,
    find: Callable[[ModuleType], T | None],
    expected: str,
    besides: Collection[str] = (),
    rank: Callable[[T], int] = lambda _: 0,
    more: Collection[str] = (),
) -> dict[str, T]:
    """Return module → its declaration, by rank and then by the modules' names. Imports them.

    Args:
        package: the package's dotted name.
        find: returns a module's declaration, None where it has none.
        expected: what a module declares, for the error: "`CHECK = Check(…)`".
        besides: modules of the package that declare nothing.
        rank: returns a declaration's place among the others, the smallest first.
        more: other packages, each of whose modules declares one too.

    Raises DeclarationError where another module declares nothing, or one of `besides` is not there.
    """
    found = _declared_in(package, find, expected, besides)
    for other in more:
        found |= _declared_in(other, find, expected, ())
    return dict(sorted(found.items(), key=lambda one: (rank(one[1]), one[0].rpartition(".")[2])))


def _declared_in(
    package: str, find: Callable[[ModuleType], T | None], expected: str, besides: Collection[str]
) -> dict[str, T]:
    found = {}
    folder = package.replace(".", "/")
    names = sorted(info.name for info in iter_modules(import_module(package).__path__))
    if absent := sorted(set(besides) - set(names)):
        raise DeclarationError(
            f"{folder}/: expected the modules {', '.join(absent)}, which `besides` names; found none"
        )
    for name in names:
        if name in besides:
            continue
        module = import_module(f"{package}.{name}")
        declared = find(module)
        if declared is None:
            raise DeclarationError(
                f"{folder}/{name}.py: expected {expected}; found none. Each file of {folder}/ declares one"
                + (f", but {', '.join(sorted(besides))}" if besides else "")
            )
        found[module.__name__] = declared
    return found


def attribute(name: str, kind: type[T]) -> Callable[[ModuleType], T | None]:
    """Return a `find` for `declarations`: the module's attribute of that name and type."""

    def find(module: ModuleType) -> T | None:
        value = getattr(module, name, None)
        return value if isinstance(value, kind) else None

    return find


def named(found: Mapping[str, T], entries: Callable[[T], Iterable[tuple[str, V]]]) -> dict[str, V]:
    """Return name → entry, in the order of `found`. Raises DeclarationError for a name that two have.

    Args:
        found: module → its declaration.
        entries: returns what a declaration declares, by name.
    """
    owners: dict[str, str] = {}
    whole: dict[str, V] = {}
    for module, declared in found.items():
        for name, entry in entries(declared):
            if name in owners:
                raise DeclarationError(
                    f"{name!r} is declared twice: in {owners[name]} and in {module}. Rename one of them"
                )
            owners[name], whole[name] = module, entry
    return whole
