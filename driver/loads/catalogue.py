"""All kinds of load, as the modules of this package define them, and the reader of `workload:`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from pydantic import ValidationError

from chaos.explain import nearest, problem, shortened, shown
from driver.loads.load import Load
from driver.own_classes import own_classes
from wire.declarations import DeclarationError, declarations, named

HELPERS = (
    *("addresses", "catalogue", "composer_template", "container_run", "http_client", "load", "load_group"),
    *("open_loop", "operation_lines", "operation_log", "program_run", "statuses", "templates"),
)
"""Modules of the package that declare no kind."""
UNNAMED = "load"
"""The name of a load that is given without one."""
MOST_LOADS = 32
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,39}")

KeyPath = tuple[str | int, ...]


class LoadError(ValueError):
    """An invalid `workload:` of a foreign system: `path` is the key below it, `problem` says what was
    expected and found.
    """

    def __init__(self, path: KeyPath, problem: str) -> None:
        super().__init__(f"{'.'.join(map(str, path))}: {problem}" if path else problem)
        self.path = path
        self.problem = problem


def _kinds(module: ModuleType) -> type[Load] | None:
    """Return the kind of load that a module defines, None without one."""
    found = [one for one in own_classes(module) if issubclass(one, Load)]
    for one in found:
        if not all(isinstance(getattr(one, name, None), str) for name in ("name", "summary")):
            raise DeclarationError(
                f"{module.__name__}: expected texts `name: ClassVar = …` and `summary: ClassVar = …` in "
                f"{one.__name__}; found none"
            )
    return found[0] if len(found) == 1 else None


LOADS: Mapping[str, type[Load]] = named(
    declarations(
        "driver.loads", _kinds, "one class derived from Load, with all its methods", besides=HELPERS
    ),
    lambda kind: [(kind.name, kind)],
)
"""All kinds of load by the keys that select them."""


def read_loads(value: Any) -> dict[str, Load]:
    """Return the loads of a scenario by their names, from one load or a mapping of a name to each.

    Raises LoadError.
    """
    if not isinstance(value, Mapping) or not value:
        raise LoadError((), f"expected a load, or a mapping of a name to each; found {_short(value)}")
    if any(kind in value for kind in LOADS):
        return _among({UNNAMED: _read(value, ())}, is_named=False)
    if len(value) > MOST_LOADS:
        raise LoadError((), f"expected at most {MOST_LOADS} loads; found {len(value)}")
    found = {}
    for name, one in value.items():
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise LoadError(
                (str(name),),
                "expected a name of letters, digits and _, at most 40 and no digit first; "
                f"found {_short(name)}",
            )
        found[name] = _read(one, (name,))
    return _among(found, is_named=True)


def _among(found: dict[str, Load], *, is_named: bool) -> dict[str, Load]:
    """Return the loads, each of which refers to others of them. Raises LoadError."""
    for name, load in found.items():
        for other in load.others:
            if other not in found or other == name:
                wrong = f"expected another load of this scenario; found {_short(other)}"
                raise LoadError(
                    (name,) if is_named else (), f"{wrong}. {nearest(other, found.keys() - {name})}"
                )
    return found


def check_loads(loads: Mapping[str, Load], home: Path) -> None:
    """Raise LoadError where a load needs a file, from the scenario's folder `home`, that is not there."""
    for name, load in loads.items():
        try:
            load.check(home)
        except ValueError as error:
            raise LoadError((name,), str(error)) from None


def _read(value: Any, path: KeyPath) -> Load:
    if not isinstance(value, Mapping):
        raise LoadError(
            path, f"expected a mapping with one of {', '.join(LOADS)} in it; found {_short(value)}"
        )
    kinds = [kind for kind in LOADS if kind in value]
    if len(kinds) != 1:
        found = " and ".join(kinds) or f"{_short(', '.join(map(str, value)))}"
        raise LoadError(path, f"expected one of {', '.join(LOADS)}, which selects its kind; found {found}")
    kind = LOADS[kinds[0]]
    try:
        return kind.model_validate(dict(value))
    except ValidationError as error:
        raise _explained(kind, error, path) from None


def _explained(kind: type[Load], error: ValidationError, path: KeyPath) -> LoadError:
    first = error.errors(include_url=False)[0]
    where = (*path, *first["loc"])
    known = {info.alias or field: info for field, info in kind.model_fields.items()}
    if first["type"] == "extra_forbidden" and len(first["loc"]) == 1:
        return LoadError(where, f"a load of kind {kind.name} has no {first['loc'][0]!r}. "
                                f"{nearest(str(first['loc'][0]), known)}")  # fmt: skip
    if first["type"] == "missing" and str(first["loc"][-1]) in known:
        return LoadError(where, f"{kind.name} needs it: {known[str(first['loc'][-1])].description}")
    return LoadError(where, problem(first))


def _short(value: object) -> str:
    return shortened(shown(value), 200)
