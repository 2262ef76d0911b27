"""A stretch of an observation's readings is made bad: far larger, or far smaller."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from driver.controls.control import Altered, Control, growing, name_of, replaced
from driver.histories.history import History
from driver.histories.system_events import Reading

MORE = 10**12


def alter(history: History) -> Iterator[Altered]:
    """Change the numbers of each observation's readings, of more and more of them back from the last."""
    by_name: dict[str, list[Reading]] = {}
    for reading in history.of(Reading):
        if reading.number is not None and not reading.unknown:
            by_name.setdefault(reading.name, []).append(reading)
    for name, readings in by_name.items():
        for what, more in (("larger", MORE), ("smaller", -MORE)):
            for some in growing(readings[::-1]):
                pairs = [(one, replace(one, number=(one.number or 0.0) + more)) for one in some]
                count = "the last reading" if len(some) == 1 else f"the last {len(some):,} readings"
                change = f"{count} of {name_of(name)} {what} by {MORE:,}"
                yield Altered(change, replaced(history, pairs))


CONTROL = Control("readings_bad", "Readings are far larger or smaller.", alter, (Reading,), rank=340)
