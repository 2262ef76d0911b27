"""A stretch of an observation's readings is made bad: far larger, or far smaller."""

from __future__ import annotations

import math
from collections.abc import Iterator

from msgspec.structs import replace

from driver.controls.control import Altered, Control, growing, name_of, replaced
from driver.histories.history import History
from driver.histories.system_events import Reading

MORE = 10**12


def alter(history: History) -> Iterator[Altered]:
    """Change the numbers of each observation's readings, of more and more of them back from the last.

    What was never below 0 does not become so: a size or a count cannot.
    """
    by_name: dict[str, list[Reading]] = {}
    for reading in history.of(Reading):
        if reading.number is not None and not reading.unknown:
            by_name.setdefault(reading.name, []).append(reading)
    for name, readings in by_name.items():
        least = 0.0 if all((one.number or 0.0) >= 0 for one in readings) else -math.inf
        for what, more in (("larger", MORE), ("smaller", -MORE)):
            for some in growing(readings[::-1]):
                pairs = [(one, _changed(one, more, least)) for one in some]
                if all(before == after for before, after in pairs):
                    continue
                count = "the last reading" if len(some) == 1 else f"the last {len(some):,} readings"
                how = f"{what} by {MORE:,}" if more > 0 or least < 0 else "as small as 0"
                yield Altered(f"{count} of {name_of(name)} {how}", replaced(history, pairs))


def _changed(reading: Reading, more: float, least: float) -> Reading:
    return replace(reading, number=max(least, (reading.number or 0.0) + more))


CONTROL = Control("readings_bad", "Readings are far larger or smaller.", alter, (Reading,), rank=340)
