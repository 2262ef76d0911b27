"""The task kinds: each module of this package declares one, under the module's name, as `KIND`."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from wire.declarations import declarations
from worker.task_kind import TaskError, TaskKind

__all__ = ["KINDS", "TaskError", "TaskKind", "kind_named"]


def _kind(module: ModuleType) -> TaskKind | None:
    found: Any = vars(module).get("KIND")
    return found if callable(getattr(found, "begin", None)) else None


KINDS: dict[str, TaskKind] = {
    module.rpartition(".")[2]: kind
    for module, kind in declarations("worker.tasks", _kind, "`KIND = …Task(…)`").items()
}


def kind_named(name: str) -> TaskKind:
    """Return the kind of a name. Raises TaskError that lists the known names."""
    try:
        return KINDS[name]
    except KeyError:
        raise TaskError(f"kind: expected one of {', '.join(KINDS)}; found {name!r}") from None
