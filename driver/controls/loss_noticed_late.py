"""A loss is noticed late: the last frame before it came at the run's begin, or it is recorded just before
the next loss.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from driver.controls.control import Altered, Control, growing, replaced, several
from driver.controls.reconnection_late import latest_returns, moved
from driver.histories.history import History
from driver.histories.run_timeline import run_timeline
from driver.histories.server_events import ClientLost, client_of
from wire.events import Connected, Connecting, ConnectionLost, Event

SUPERSEDED = "superseded"
SILENCE = "heartbeat_timeout"


def alter(history: History) -> Iterator[Altered]:
    """Let connections be silent from the run's begin until the loss, the last losses first."""
    by_client = [(one.by, one) for one in reversed(history.of(ConnectionLost))]
    by_server = [(client_of(one), one) for one in reversed(history.of(ClientLost)) if one.kind != SUPERSEDED]
    yield from _silent(history, "a worker", by_client)
    yield from _delayed(history)
    yield from _silent(history, "the coordinator", by_server)


def _silent(
    history: History, side: str, losses: Sequence[tuple[str, ConnectionLost | ClientLost]]
) -> Iterator[Altered]:
    zero_ns = history.view(run_timeline).zero_ns
    for some in growing([(name, one) for name, one in losses if one.at_ns > zero_ns]):
        pairs = [(one, replace(one, kind=SILENCE, silent_ms=(one.at_ns - zero_ns) / 1e6)) for _, one in some]
        change = f"the loss of {several(some[0][0], len(some))} noticed late by {side}"
        yield Altered(change, replaced(history, pairs))


def _delayed(history: History) -> Iterator[Altered]:
    """Let losses be recorded, and the connections after them begin, as late as they can: where a fault broke
    the connection, a longer silence before it changes nothing.
    """
    late = [(one, one.lost, at_ns) for one, at_ns in latest_returns(history) if one.lost is not None]
    for some in growing(late):
        pairs: list[tuple[Event, Event]] = []
        for outage, lost, at_ns in some:
            heard_ns = lost.at_ns - round(lost.silent_ms * 1e6)
            noticed_ns = at_ns - 2
            silent_ms = (noticed_ns - heard_ns) / 1e6
            pairs.append((lost, replace(lost, kind=SILENCE, at_ns=noticed_ns, silent_ms=silent_ms)))
            pairs += moved(outage, at_ns, with_attempt=True)
        change = f"the loss of {several(some[0][0].client, len(some))} noticed just before the next"
        yield Altered(change, replaced(history, pairs))


CONTROL = Control(
    "loss_noticed_late", "A loss is noticed long after the break.", alter,
    (ConnectionLost, ClientLost, Connecting, Connected), rank=120,
)  # fmt: skip
