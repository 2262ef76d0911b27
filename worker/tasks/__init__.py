"""The task kinds: each is a module with a KIND, and an entry here."""

from __future__ import annotations

from worker.tasks import command, cpu, fail, noop, sleep, steps
from worker.tasks.kind import TaskError, TaskKind

KINDS: dict[str, TaskKind] = {
    "noop": noop.KIND,
    "sleep": sleep.KIND,
    "cpu": cpu.KIND,
    "fail": fail.KIND,
    "command": command.KIND,
    "steps": steps.KIND,
}

__all__ = ["KINDS", "TaskError", "TaskKind", "kind_named"]


def kind_named(name: str) -> TaskKind:
    """Return the kind of a name. Raises TaskError that lists the known names."""
    try:
        return KINDS[name]
    except KeyError:
        raise TaskError(f"kind: expected one of {', '.join(KINDS)}; found {name!r}") from None
