"""A damaged frame is refused only behind its authentication."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from driver.controls.control import Altered, Control, name_of, replaced, when
from driver.histories.history import History
from wire.errors import FrameFault
from wire.events import FrameRefused


def alter(history: History) -> Iterator[Altered]:
    """Let the last refused frame have passed authentication."""
    refused = history.last(FrameRefused)
    if refused is not None:
        believed = replace(refused, fault=FrameFault.undecodable)
        change = f"the frame that {name_of(refused.by)} refused {when(history, refused.at_ns)} authentic"
        yield Altered(change, replaced(history, [(refused, believed)]))


CONTROL = Control("damage_believed", "A damaged frame passes as genuine.", alter, (FrameRefused,), rank=180)
