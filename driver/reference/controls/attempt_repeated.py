"""An attempt runs twice."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from driver.controls.control import Altered, Control, growing, several
from driver.histories.history import History
from wire.task_events import Started


def alter(history: History) -> Iterator[Altered]:
    """Begin attempts again, a nanosecond later."""
    for some in growing(history.of(Started)):
        again = [replace(event, at_ns=event.at_ns + 1) for event in some]
        yield Altered(
            f"an attempt at {several(some[0].task, len(some))} begun twice", history.altered([], again)
        )


CONTROL = Control("attempt_repeated", "An attempt begins a second time.", alter, (Started,), rank=80)
