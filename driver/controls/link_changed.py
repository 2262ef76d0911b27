"""A link of Toxiproxy is not the one of the plan."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from driver.controls.control import Altered, Control, name_of, replaced
from driver.histories.events import LinksSeen
from driver.histories.history import History

ELSEWHERE = "a-control:1"


def alter(history: History) -> Iterator[Altered]:
    """Let one link lead elsewhere; then let the links not have been read at all."""
    last = history.last(LinksSeen)
    if last is None:
        return
    if last.found:
        wrong = replace(last, found=[replace(last.found[0], upstream=ELSEWHERE), *last.found[1:]])
        yield Altered(f"{name_of(last.found[0].name)} led elsewhere", replaced(history, [(last, wrong)]))
    yield Altered("the links not read at the end", history.altered([last], []))


CONTROL = Control("link_changed", "A link leads elsewhere.", alter, (LinksSeen,), rank=260)
