"""Validation errors of a model as errors of the file: path, expected and found."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from chaos.explain import nearest, problem
from driver.scenarios.error_collector import ErrorCollector
from driver.scenarios.yaml_file import FileError, KeyPath, key_path

At = Callable[[KeyPath, str], FileError]
M = TypeVar("M", bound=BaseModel)


def read_model(kind: type[M], data: Any, at: At, errors: ErrorCollector) -> M | None:
    """Return the model of `data`; None with every validation error added to `errors`."""
    try:
        return kind.model_validate(data)
    except ValidationError as error:
        findings = error.errors(include_url=False)
        above = {finding["loc"][:length] for finding in findings for length in range(len(finding["loc"]))}
        for first in findings:
            path, text = _explained(first, kind)
            if path in above:
                # A list that is too short because of an invalid item: the item is the error.
                continue
            found = at(_within(path, data, missing=first["type"] == "missing"), text)
            found.unknown = first["type"] == "extra_forbidden"
            errors.add(found)
        return None


def explain(error: ValidationError, kind: type[BaseModel]) -> tuple[KeyPath, str]:
    """Return the first validation error: its path, and what was expected and found."""
    return _explained(error.errors(include_url=False)[0], kind)


def _within(path: KeyPath, data: Any, missing: bool) -> KeyPath:
    """Return the part of an error's path that is in the file: pydantic adds the branch of a union."""
    for place, part in enumerate(path):
        known = range(len(data)) if isinstance(data, list) else data if isinstance(data, dict) else ()
        if part not in known:
            return path if missing else path[:place]
        data = data[part]
    return path


def _explained(first: Any, kind: type[BaseModel]) -> tuple[KeyPath, str]:
    path: KeyPath = first["loc"]
    known = _keys_at(kind, path[:-1])
    if first["type"] == "extra_forbidden":
        return path, f"there is no key {path[-1]!r} here. {nearest(str(path[-1]), known)}"
    if first["type"] == "missing":
        return path, f"{key_path(path)!r} is missing" + (
            f": {known[str(path[-1])]}" if known.get(str(path[-1])) else ""
        )
    return path, problem(first)


def _keys_at(kind: type[BaseModel], path: KeyPath) -> dict[str, str]:
    """Return the keys that a mapping at `path` may have, with their descriptions."""
    here: Any = kind
    for part in path:
        if isinstance(part, int):
            continue
        info = next((info for name, info in here.model_fields.items() if (info.alias or name) == part), None)
        here = _model_in(info.annotation) if info else None
        if here is None:
            return {}
    return {info.alias or name: info.description or "" for name, info in here.model_fields.items()}


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in getattr(annotation, "__args__", ()) if (found := _model_in(part))), None)
