"""The readings of an observation are held back: what they show comes later, or not at all."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from driver.controls.control import Altered, Control, name_of, replaced
from driver.histories.history import History
from driver.histories.run_timeline import run_timeline
from driver.histories.system_events import Reading


def alter(history: History) -> Iterator[Altered]:
    """Let each reading of a number show what the first one during the last fault showed, until the end."""
    faults = history.view(run_timeline).faults
    by_name: dict[str, list[Reading]] = {}
    for reading in history.of(Reading):
        if reading.number is not None and faults and reading.at_ns >= faults[-1].began_ns:
            by_name.setdefault(reading.name, []).append(reading)
    for name, readings in by_name.items():
        pairs = [(one, replace(one, number=readings[0].number)) for one in readings[1:]]
        if pairs and any(one.number != other.number for one, other in pairs):
            change = f"{name_of(name)} at {readings[0].number:g} from the last fault to the end"
            yield Altered(change, replaced(history, pairs))


CONTROL = Control(
    "reading_held_back", "An observation stays as it was in the last fault.", alter, (Reading,), rank=335
)
