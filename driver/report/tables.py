"""Tables of a report, one for each subject of a scenario: storms, load, priorities, checkpoints. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from driver.forensics.words import words_of
from driver.histories.history import History
from driver.metrics import Metrics
from driver.metrics.metric import Unit
from driver.metrics.quantities import write
from driver.metrics.storm import busiest, storms

_SECOND_NS = 1_000_000_000


@dataclass(frozen=True)
class Table:
    """One subject: a sentence on what the table shows, its columns and its rows."""

    title: str
    says: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def storm_table(history: History, metrics: Metrics) -> Table:
    """Return a row for each fault that cut clients off: their attempts until all were back."""
    words = words_of(history)
    rows = []
    for storm in history.view(storms):
        if not storm.outages:
            continue
        count = len(storm.attempts_ns)
        step = busiest(storm.attempts_ns, _SECOND_NS // 10) / count if count else None
        back = [write(storm.back_after_heal_s(share), Unit.seconds) for share in (0.5, 0.95, 1.0)]
        rows.append((
            storm.window.fault,
            str(len(storm.clients)),
            str(count),
            write(count / len(storm.clients), Unit.factor),
            write(busiest(storm.attempts_ns, _SECOND_NS), Unit.per_second),
            write(step, Unit.ratio),
            *back,
        ))  # fmt: skip
    return Table(
        "The herd",
        f"Attempts until all {words.clients} are back. Clients in step show as a large share in the busiest "
        "tenth of a second.",
        (
            "fault",
            "cut off",
            "attempts",
            "each",
            "busiest second",
            "busiest 0.1 s",
            "50 % back",
            "95 % back",
            "all back",
        ),
        tuple(rows),
    )
