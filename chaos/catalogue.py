"""All faults, as the modules of chaos/faults/ define them."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, EnumType
from inspect import isabstract
from types import ModuleType
from typing import Any, TypeGuard, get_args

from pydantic import ValidationError

from chaos.explain import nearest, problem, shortened
from chaos.fault import Fault
from chaos.units import unit_of
from wire.declarations import DeclarationError, declarations, named


def _kinds(module: ModuleType) -> list[type[Fault]] | None:
    """Return the faults that a module defines, None without one."""
    mine = (value for value in vars(module).values() if getattr(value, "__module__", "") == module.__name__)
    found = [one for one in mine if isinstance(one, type) and issubclass(one, Fault) and not isabstract(one)]
    for one in found:
        if not isinstance(getattr(one, "name", None), str):
            raise DeclarationError(
                f"{module.__name__}: expected `name: ClassVar = …`, a text, in {one.__name__}; found none"
            )
    return found or None


def faults_of(package: str) -> dict[str, type[Fault]]:
    """Return name → fault, as the modules of a package define them, by rank. Raises DeclarationError."""
    modules = declarations(package, _kinds, "a class derived from Fault, with all its methods")
    found = named(modules, lambda kinds: [(kind.name, kind) for kind in kinds])
    return dict(sorted(found.items(), key=lambda one: one[1].rank))


FAULTS: Mapping[str, type[Fault]] = faults_of("chaos.faults")
"""All faults by their names, in the order of their ranks."""
ALL: tuple[type[Fault], ...] = tuple(FAULTS.values())


class FaultError(ValueError):
    """An invalid fault: `key` is the parameter ("" for the fault's name), `problem` says what was
    expected and found.
    """

    def __init__(self, key: str, problem: str) -> None:
        super().__init__(f"{key}: {problem}" if key else problem)
        self.key = key
        self.problem = problem


def make(name: str, params: Mapping[str, Any]) -> Fault:
    """Return the fault of a name, with parameters as in a scenario (`{"mean": "200ms"}`). Raises
    FaultError.
    """
    kind = FAULTS.get(name)
    if kind is None:
        raise FaultError("", unknown_fault(name))
    try:
        return kind.model_validate(dict(params), context={"read": read})
    except ValidationError as error:
        raise _explained(kind, error) from None


def unknown_fault(name: str) -> str:
    """Return what is wrong with a name that no fault has, with the nearest names."""
    return f"expected the name of a fault; found {shortened(repr(name))}. {nearest(name, FAULTS)}"


def read(value: Any) -> Fault:
    """Return a fault from `refuse` or `{fault: latency, mean: 200ms}`. Raises FaultError."""
    if isinstance(value, Fault):
        return value
    if isinstance(value, str):
        return make(value, {})
    if isinstance(value, Mapping) and isinstance(value.get("fault"), str):
        return make(value["fault"], {key: rest for key, rest in value.items() if key != "fault"})
    raise FaultError("", f"expected the name of a fault, or a mapping with `fault:` in it; found {value!r}")


def parameters(kind: type[Fault]) -> dict[str, str]:
    """Return parameter → its description with its default, for help and docs."""
    described = {}
    for field, info in kind.model_fields.items():
        default = "required" if info.is_required() else f"default {_shown(kind, field)}"
        described[info.alias or field] = f"{info.description} ({default})"
    return described


def choices(kind: type[Fault], parameter: str) -> list[str]:
    """Return the values that a parameter takes; empty where it takes no fixed set of them."""
    info = next(info for field, info in kind.model_fields.items() if parameter in (info.alias, field))
    types = [info.annotation, *get_args(info.annotation)]
    return [str(one.value) for each in types if _is_enum(each) for one in each]


def _is_enum(one: Any) -> TypeGuard[type[Enum]]:
    return isinstance(one, EnumType)


def _shown(kind: type[Fault], field: str) -> str:
    default = kind.model_fields[field].default
    if default is None:
        return "none"
    # The serializer that writes a value with its unit belongs to the whole model.
    whole = kind.model_construct(**{field: default}).model_dump(
        mode="json", by_alias=True, include={field}, warnings=False
    )
    return str(next(iter(whole.values())))


def _explained(kind: type[Fault], error: ValidationError) -> FaultError:
    first = error.errors(include_url=False)[0]
    key = ".".join(str(part) for part in first["loc"])
    known = {info.alias or field: field for field, info in kind.model_fields.items()}
    if first["type"] == "extra_forbidden":
        return FaultError(key, f"{kind.name} has no parameter {key!r}. {nearest(key, known)}")
    if first["type"] == "missing":
        return FaultError(key, f"{kind.name} needs it: {kind.model_fields[known[key]].description}")
    return FaultError(key, problem(first, unit_of(known.get(key, ""))))
