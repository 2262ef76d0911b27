"""A reconnection finds its session gone."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from driver.controls.control import Altered, Control, growing, replaced, several
from driver.histories.history import History
from wire.events import Connected


def alter(history: History) -> Iterator[Altered]:
    """Turn resumed sessions into new ones."""
    for some in growing([one for one in history.of(Connected) if one.outcome == "resumed"]):
        pairs = [(one, replace(one, outcome="reset")) for one in some]
        yield Altered(f"the session of {several(some[0].by, len(some))} reset", replaced(history, pairs))


CONTROL = Control("session_reset", "A session that was resumed is reset.", alter, (Connected,), rank=130)
