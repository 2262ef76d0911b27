"""How often the coordinator refused something: the lines of it, and what it counted and wrote no line of."""

from __future__ import annotations

from driver.histories.history import History
from wire.events import Event, RefusalsOmitted


def refused(history: History, kind: type[Event]) -> int:
    """Return the number of refusals of one kind."""
    tag = str(kind.__struct_config__.tag)
    return len(history.of(kind)) + sum(one.count for one in history.of(RefusalsOmitted) if one.kind == tag)


def omitted_of(history: History, kind: type[Event], worker: str) -> int:
    """Return the number of refusals of one kind that may concern `worker` and have no line."""
    tag = str(kind.__struct_config__.tag)
    omitted = history.of(RefusalsOmitted)
    return sum(one.count for one in omitted if one.kind == tag and one.worker in ("", worker))
