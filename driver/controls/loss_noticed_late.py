"""A loss is noticed late: the last frame before it came at the run's begin."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from driver.controls.control import Altered, Control, growing, replaced, several
from driver.histories.history import History
from driver.histories.run_timeline import run_timeline
from wire.events import ConnectionLost, WorkerLost

SUPERSEDED = "superseded"


def alter(history: History) -> Iterator[Altered]:
    """Let connections be silent from the run's begin until the loss, the last losses first."""
    by_worker = [(one.by, one) for one in reversed(history.of(ConnectionLost))]
    by_coordinator = [(one.worker, one) for one in reversed(history.of(WorkerLost)) if one.kind != SUPERSEDED]
    yield from _silent(history, "a worker", by_worker)
    yield from _silent(history, "the coordinator", by_coordinator)


def _silent(
    history: History, side: str, losses: Sequence[tuple[str, ConnectionLost | WorkerLost]]
) -> Iterator[Altered]:
    zero_ns = history.view(run_timeline).zero_ns
    for some in growing([(name, one) for name, one in losses if one.at_ns > zero_ns]):
        pairs = [
            (one, replace(one, kind="heartbeat_timeout", silent_ms=(one.at_ns - zero_ns) / 1e6))
            for _, one in some
        ]
        change = f"the loss of {several(some[0][0], len(some))} noticed late by {side}"
        yield Altered(change, replaced(history, pairs))


CONTROL = Control(
    "loss_noticed_late", "A loss is noticed long after the break.", alter, (ConnectionLost, WorkerLost),
    rank=120,
)  # fmt: skip
