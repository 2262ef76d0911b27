"""The catalogue of task kinds: a new one is a small file and a line here."""

from __future__ import annotations

from worker.tasks import command, cpu, fail, noop, sleep, steps
from worker.tasks.kind import Kind, TaskError

KINDS: dict[str, Kind] = {
    "noop": noop.KIND,
    "sleep": sleep.KIND,
    "cpu": cpu.KIND,
    "fail": fail.KIND,
    "command": command.KIND,
    "steps": steps.KIND,
}

__all__ = ["KINDS", "Kind", "TaskError", "kind_named"]


def kind_named(name: str) -> Kind:
    """The kind of that name. Raises TaskError that names those there are."""
    try:
        return KINDS[name]
    except KeyError:
        raise TaskError(f"kind: expected one of {', '.join(KINDS)}; found {name!r}") from None
