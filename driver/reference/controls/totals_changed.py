"""The coordinator counts one task too many, or more and more tasks that wait."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from driver.controls.control import Altered, Control, growing, replaced
from driver.histories.history import History
from wire.task_events import Totals

WAITING = 1_000_000


def alter(history: History) -> Iterator[Altered]:
    """Count one more task in the last totals; then many that wait, in more and more totals up to the last."""
    totals = history.of(Totals)
    if not totals:
        return
    last = totals[-1]
    off = replace(last, submitted=last.submitted + 1)
    yield Altered("one task too many in the last totals", replaced(history, [(last, off)]))
    for some in growing(totals[::-1]):
        pairs = [(event, replace(event, waiting=event.waiting + WAITING)) for event in some]
        change = f"{WAITING:,} more tasks waiting in {len(some):,} totals up to the last"
        yield Altered(change, replaced(history, pairs))


CONTROL = Control("totals_changed", "The coordinator counts too many tasks.", alter, (Totals,), rank=90)
