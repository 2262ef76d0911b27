"""A link stays cut after the heal: its server answers nothing more."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from driver.controls.control import Altered, Control, growing, several
from driver.histories.history import History
from driver.histories.link_events import ConnectionAnswered, ConnectionEnded, ConnectionSeen, LinkNamed
from driver.histories.run_timeline import run_timeline
from wire.events import Event

Link = tuple[str, str]


def alter(history: History) -> Iterator[Altered]:
    """Take what the servers of links sent since the last heal out of their doors' journals."""
    heals = history.view(run_timeline).heals
    if not heals:
        return
    named: dict[Link, str] = {(one.by, one.link): one.name for one in history.of(LinkNamed)}
    streams: list[ConnectionSeen | ConnectionEnded] = [
        *history.of(ConnectionSeen), *history.of(ConnectionEnded)
    ]  # fmt: skip
    late = [one for one in streams if one.server.last_ns >= heals[-1]]
    for some in growing(list(dict.fromkeys((one.by, one.link) for one in late))):
        links = set(some)
        before: list[Event] = [one for one in late if (one.by, one.link) in links]
        after = [_silent(one, heals[-1]) for one in late if (one.by, one.link) in links]
        before += [
            one
            for one in history.of(ConnectionAnswered)
            if one.at_ns >= heals[-1] and (one.by, one.link) in links
        ]
        first = named.get(some[0], some[0][1])
        change = f"{several(first, len(some))} without an answer after the last heal"
        yield Altered(change, history.altered(before, after))


def _silent(seen: ConnectionSeen | ConnectionEnded, heal_ns: int) -> ConnectionSeen | ConnectionEnded:
    if seen.server.first_ns >= heal_ns:
        return replace(seen, server=replace(seen.server, bytes=0, first_ns=0, last_ns=0))
    return replace(seen, server=replace(seen.server, last_ns=heal_ns - 1))


CONTROL = Control(
    "link_stays_cut", "A link carries nothing after the last heal.", alter,
    (ConnectionSeen, ConnectionEnded, ConnectionAnswered), rank=370,
)  # fmt: skip
