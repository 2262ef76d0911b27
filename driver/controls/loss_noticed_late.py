"""A loss is noticed late: the last frame before it came at the run's begin."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from driver.controls.control import Altered, Control, growing, replaced, several
from driver.histories.history import History
from driver.histories.run_timeline import run_timeline
from driver.histories.server_events import ClientLost, client_of
from wire.events import ConnectionLost

SUPERSEDED = "superseded"


def alter(history: History) -> Iterator[Altered]:
    """Let connections be silent from the run's begin until the loss, the last losses first."""
    by_client = [(one.by, one) for one in reversed(history.of(ConnectionLost))]
    by_server = [(client_of(one), one) for one in reversed(history.of(ClientLost)) if one.kind != SUPERSEDED]
    yield from _silent(history, "a worker", by_client)
    yield from _silent(history, "the coordinator", by_server)


def _silent(
    history: History, side: str, losses: Sequence[tuple[str, ConnectionLost | ClientLost]]
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
    "loss_noticed_late", "A loss is noticed long after the break.", alter, (ConnectionLost, ClientLost),
    rank=120,
)  # fmt: skip
