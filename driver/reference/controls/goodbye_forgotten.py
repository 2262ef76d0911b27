"""A worker that was stopped says no goodbye."""

from __future__ import annotations

from collections.abc import Iterator

from driver.controls.control import Altered, Control, growing, several
from driver.histories.history import History
from wire.events import WorkerGone


def alter(history: History) -> Iterator[Altered]:
    """Take goodbyes out, the last ones of the run at last."""
    for some in growing(history.of(WorkerGone)):
        change = f"the goodbye of {several(some[0].worker, len(some))} forgotten"
        yield Altered(change, history.altered(some, []))


CONTROL = Control("goodbye_forgotten", "A worker's goodbye is taken out.", alter, (WorkerGone,), rank=170)
