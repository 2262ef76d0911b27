"""The numbers in events of one kind are far larger, or zero."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from msgspec.structs import replace

from driver.controls.control import Altered, Control, growing, replaced
from driver.histories.events import MachineSample, ResourceSample
from driver.histories.history import History
from wire.events import Connected, Event, TrafficTotals
from wire.task_events import CheckpointCreated, Finished, Started, TaskDone

KINDS: tuple[type[Event], ...] = (
    ResourceSample, MachineSample, TrafficTotals, CheckpointCreated, Started, Finished, TaskDone, Connected,
)  # fmt: skip
NO_FIGURES = ("token", "attempt", "attempts", "epoch", "step", "cores")
FACTOR = 1_000


def alter(history: History) -> Iterator[Altered]:
    """Multiply the figures of more and more events of a kind, one field after the other, then set them to
    zero. Instants and numbers that name something are no figures.
    """
    for kind in KINDS:
        events = history.of(kind)
        for name in _figures(events[-1]) if events else ():
            for changed, factor in (("larger", FACTOR), ("zero", 0)):
                for some in growing(events[::-1]):
                    pairs = [(one, other) for one in some if (other := _with(one, name, factor)) != one]
                    tag = kind.__struct_config__.tag
                    change = f"{name} {changed} in {len(pairs):,} {tag} events"
                    if pairs:
                        yield Altered(change, replaced(history, pairs))


def _figures(event: Event) -> list[str]:
    return [
        name
        for name in event.__struct_fields__
        if name not in (*Event.__struct_fields__, *NO_FIGURES) and not name.endswith("_ns")
        if isinstance(value := getattr(event, name), int | float) and not isinstance(value, bool)
    ]


def _with(event: Event, name: str, factor: int) -> Event:
    value: Any = getattr(event, name)
    return replace(event, **{name: None if value is None else (value + 1) * factor})


CONTROL = Control("numbers_changed", "Figures are far larger, or zero.", alter, KINDS, rank=910)
