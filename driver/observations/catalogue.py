"""All kinds of observations, as the modules of this package define them; reads those of a scenario."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import ModuleType
from typing import Any

from pydantic import ValidationError

from chaos.explain import nearest, problem
from chaos.units import unit_of
from driver.observations.address import without_passwords
from driver.observations.observation import SystemObservation
from driver.own_classes import own_classes
from wire.declarations import declarations, named

MAX_OBSERVATIONS = 64


def _kinds(module: ModuleType) -> list[type[SystemObservation]] | None:
    """Return the observations that a module defines, None without one."""
    return [one for one in own_classes(module) if issubclass(one, SystemObservation)] or None


OBSERVATIONS: Mapping[str, type[SystemObservation]] = dict(
    sorted(
        named(
            declarations(
                "driver.observations",
                _kinds,
                "a class derived from SystemObservation, with all its methods",
                besides=(
                    "address",
                    "catalogue",
                    "containers",
                    "observation",
                    "observer",
                    "reading",
                    "table_parts",
                    "values",
                ),
            ),
            lambda kinds: [(kind.name, kind) for kind in kinds],
        ).items(),
        key=lambda one: one[1].rank,
    )
)
"""All kinds by their names, in the order of their ranks."""

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,39}")
_COMMON = frozenset(info.alias or field for field, info in SystemObservation.model_fields.items())


class ObservationError(ValueError):
    """An invalid observation: `key` is the key in it ("" for the whole), `problem` what is wrong.

    `name` is the observation's, where it is one of several.
    """

    def __init__(self, key: str, problem: str, name: str = "") -> None:
        key = without_passwords(key)
        super().__init__(f"{key}: {problem}" if key else problem)
        self.key = key
        self.problem = problem
        self.name = name


def read_observations(data: Mapping[str, object]) -> dict[str, SystemObservation]:
    """Return the observations of `observe:` by their names. Raises ObservationError for a wrong one."""
    if len(data) > MAX_OBSERVATIONS:
        raise ObservationError("", f"expected at most {MAX_OBSERVATIONS} observations; found {len(data)}")
    found = {}
    for name, entry in data.items():
        if not _NAME.fullmatch(name):
            raise ObservationError(
                "",
                f"expected a name of letters, digits, - and _; found {without_passwords(repr(name))}",
                name,
            )
        try:
            found[name] = read_observation(entry)
        except ObservationError as error:
            raise ObservationError(error.key, error.problem, name) from None
    return found


def read_observation(data: object) -> SystemObservation:
    """Return the observation of one entry of `observe:`. Raises ObservationError."""
    if not isinstance(data, Mapping):
        raise ObservationError(
            "", f"expected a mapping like {{{_first_example()}}}; found {without_passwords(repr(data))}"
        )
    kind = _kind_of(data)
    try:
        return kind.model_validate(dict(data))
    except ValidationError as error:
        raise _explained(kind, error) from None


def parameters(kind: type[SystemObservation]) -> dict[str, str]:
    """Return key → its description, for the docs: the kind's own keys."""
    return {
        info.alias or field: f"{info.description}{' (required)' if info.is_required() else ''}"
        for field, info in kind.model_fields.items()
        if field not in SystemObservation.model_fields
    }


def _kind_of(data: Mapping[Any, Any]) -> type[SystemObservation]:
    """Return the kind whose key a mapping has. A key of one kind may be a field of another one's too."""
    keys = [str(key) for key in data if str(key) in OBSERVATIONS]
    found = [name for name in keys if set(keys) <= _fields(OBSERVATIONS[name])]
    if len(found) == 1:
        return OBSERVATIONS[found[0]]
    if keys:
        raise ObservationError("", f"expected the key of one kind; found {' and '.join(map(repr, keys))}")
    unknown = next((str(key) for key in data if str(key) not in _COMMON), "")
    raise ObservationError(unknown, f"expected the key of a kind. {nearest(unknown, OBSERVATIONS)}")


def _fields(kind: type[SystemObservation]) -> set[str]:
    return {info.alias or field for field, info in kind.model_fields.items()}


def _first_example() -> str:
    return next(iter(OBSERVATIONS.values())).example


def _explained(kind: type[SystemObservation], error: ValidationError) -> ObservationError:
    first = error.errors(include_url=False)[0]
    key = ".".join(str(part) for part in first["loc"])
    known = {info.alias or field: field for field, info in kind.model_fields.items()}
    if first["type"] == "extra_forbidden":
        return ObservationError(
            key, f"{kind.name} has no key {without_passwords(key)!r}. {nearest(key, known)}"
        )
    if first["type"] == "missing":
        return ObservationError(key, f"{kind.name} needs it: {kind.model_fields[known[key]].description}")
    text = problem(first, unit_of(known.get(key, "")))
    # An own check has hidden them, and says an example with one.
    return ObservationError(key, text if first["type"] == "value_error" else without_passwords(text))
