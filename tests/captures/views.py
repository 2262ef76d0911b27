"""What the packets of a link say of one kind of fault, at every moment of a run: whether it is there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tests.captures.streams import Chunk, Connection, Link, Pair

MS = 1_000_000
S = 1_000_000_000
# A chunk that is held is held for longer than a busy machine keeps one that is not.
HELD_NS = 200 * MS


@dataclass(frozen=True)
class Moment:
    """One observation: from when to when, and whether the fault's effect was there. `size` is its magnitude
    where it has one.
    """

    from_ns: int
    until_ns: int
    there: bool
    size: float | None = None


View = Callable[[Link, Mapping[str, Any]], Iterator[Moment]]


def ways(asked: Mapping[str, Any]) -> list[bool]:
    """The directions that a fault hurts: True is up, to the coordinator."""
    return {"to_coordinator": [True], "to_worker": [False]}.get(asked.get("direction", "both"), [True, False])


def _chunks(link: Link, asked: Mapping[str, Any]) -> Iterator[tuple[Pair, Chunk]]:
    for pair in link.pairs:
        for up in ways(asked):
            for chunk in pair.chunks(up=up):
                yield pair, chunk


def late(link: Link, asked: Mapping[str, Any]) -> Iterator[Moment]:
    """Each chunk's time through Toxiproxy against the delay that was asked for."""
    for _, chunk in _chunks(link, asked):
        if chunk.out_ns is not None:
            took_ms = (chunk.out_ns - chunk.in_ns) / MS
            yield Moment(chunk.in_ns, chunk.out_ns, took_ms >= asked["mean_ms"] / 2, took_ms)


def slow(link: Link, asked: Mapping[str, Any]) -> Iterator[Moment]:
    """Each burst's rate, from its first byte in to its last byte out."""
    rate = asked["rate_bytes_per_s"]
    for pair in link.pairs:
        for up in ways(asked):
            burst: list[Chunk] = []
            for chunk in [*pair.chunks(up=up), None]:
                if chunk is not None and (not burst or chunk.in_ns - burst[-1].in_ns < 40 * MS):
                    burst.append(chunk)
                    continue
                size = sum(one.size for one in burst)
                if burst and burst[-1].out_ns is not None and size >= rate * 0.08:
                    took_s = (burst[-1].out_ns - burst[0].in_ns) / S
                    measured = size / max(took_s, 1e-6)
                    yield Moment(burst[0].in_ns, burst[-1].out_ns, measured <= 1.3 * rate, measured)
                burst = [] if chunk is None else [chunk]


def pieces(link: Link, asked: Mapping[str, Any]) -> Iterator[Moment]:
    """Whether what came in one packet leaves in pieces of the size."""
    most = asked["size_bytes"]
    for _, chunk in _chunks(link, asked):
        if chunk.out_ns is not None and chunk.size > 2 * most:
            yield Moment(chunk.in_ns, chunk.out_ns, max(chunk.pieces) <= most, float(max(chunk.pieces)))


def held(link: Link, asked: Mapping[str, Any]) -> Iterator[Moment]:
    """Whether bytes that come in wait; and each byte that leaves, at once, is no silence."""
    for pair, chunk in _chunks(link, asked):
        end_ns = pair.client.last_ns or pair.server.last_ns
        if chunk.out_ns is None:
            # What came in as the connection ended says nothing.
            if not end_ns or end_ns - chunk.in_ns > HELD_NS:
                yield Moment(chunk.in_ns, chunk.in_ns + HELD_NS, there=True)
        elif chunk.out_ns - chunk.in_ns > HELD_NS:
            yield Moment(chunk.in_ns, chunk.out_ns - HELD_NS, there=True)
        else:
            yield Moment(chunk.in_ns, chunk.out_ns, there=False)


def damaged(link: Link, asked: Mapping[str, Any]) -> Iterator[Moment]:
    """Each chunk in which bytes differ, with their number; those in which none does, without."""
    for _, chunk in _chunks(link, asked):
        if chunk.out_ns is not None:
            yield Moment(chunk.in_ns, chunk.out_ns, chunk.damaged > 0, float(chunk.damaged))


def broken_order(link: Link, asked: Mapping[str, Any]) -> Iterator[Moment]:
    """Where the bytes that leave are no longer those that came: a chunk is missing, or came twice."""
    for pair in link.pairs:
        for up in ways(asked):
            for chunk in pair.chunks(up=up):
                if chunk.out_ns is None:
                    end_ns = pair.client.last_ns or pair.server.last_ns
                    if not end_ns or end_ns - chunk.in_ns > S:
                        yield Moment(chunk.in_ns, chunk.in_ns, there=True)
                    break
                if chunk.damaged:
                    yield Moment(chunk.in_ns, chunk.in_ns, there=True)
                    break
                yield Moment(chunk.in_ns, chunk.out_ns, there=False)


def ended(link: Link, asked: Mapping[str, Any]) -> Iterator[Moment]:
    """Each connection that Toxiproxy ended though neither peer had."""
    for connection in link.connections:
        at_ns = connection.ended_by_us_ns
        if at_ns and connection.accepted_ns and _peers_were_open(link, connection, at_ns):
            yield Moment(at_ns, at_ns, there=True)


def _peers_were_open(link: Link, connection: Connection, at_ns: int) -> bool:
    for pair in link.pairs:
        if pair.client is connection:
            far = pair.server.incoming
            far_ns = min((one for one in (far.fin_ns, far.rst_ns) if one), default=0)
            return not far_ns or far_ns >= at_ns
    return False


def was_reset(link: Link, asked: Mapping[str, Any]) -> Iterator[Moment]:
    """Each connection that Toxiproxy ended by RST, without a FIN."""
    for connection in link.connections:
        out = connection.outgoing
        if (
            out.rst_ns
            and connection.accepted_ns
            and connection.ended_by_us_ns == out.rst_ns
            and not out.fin_ns
        ):
            yield Moment(out.rst_ns, out.rst_ns, there=True)


def half_dead(link: Link, asked: Mapping[str, Any]) -> Iterator[Moment]:
    """Each connection that Toxiproxy ended at one side, as it was asked to, for as long as the other side was
    open.
    """
    for pair in link.pairs:
        closed, silent = (
            (pair.client, pair.server) if asked["side"] == "client" else (pair.server, pair.client)
        )
        out, at_ns, end_ns = closed.outgoing, closed.ended_by_us_ns, silent.last_ns
        as_asked = bool(out.rst_ns and not out.fin_ns) == (asked.get("how", "fin") == "rst")
        if at_ns and end_ns > at_ns + HELD_NS and as_asked:
            yield Moment(at_ns, end_ns, there=True)


def refused(link: Link, asked: Mapping[str, Any]) -> Iterator[Moment]:
    """Each attempt to connect: answered by RST or accepted."""
    for connection in link.connections:
        if connection.refused_ns or connection.accepted_ns:
            at_ns = connection.refused_ns or connection.accepted_ns
            yield Moment(connection.opened_ns, at_ns, bool(connection.refused_ns))


def unanswered(link: Link, asked: Mapping[str, Any]) -> Iterator[Moment]:
    """Each new connection that asked something: whether anything came back."""
    for connection in link.connections:
        if not connection.accepted_ns or not connection.incoming.marks:
            continue
        asked_ns, answers = connection.incoming.marks[0][1], connection.outgoing.marks
        answered_ns = answers[0][1] if answers else 0
        if answered_ns and answered_ns - asked_ns < HELD_NS:
            yield Moment(connection.opened_ns, answered_ns, there=False)
        elif not connection.last_ns or connection.last_ns - asked_ns > HELD_NS:
            yield Moment(connection.opened_ns, asked_ns + HELD_NS, there=True)


def rejected(link: Link, asked: Mapping[str, Any]) -> Iterator[Moment]:
    """Each new connection that was answered: by the status, or otherwise."""
    line = f"HTTP/1.1 {asked.get('status', 503)}".encode()
    for connection in link.connections:
        if connection.outgoing.marks:
            there = bytes(connection.outgoing.data[: len(line)]) == line
            yield Moment(connection.opened_ns, connection.outgoing.marks[0][1], there)


def turned_away(link: Link, asked: Mapping[str, Any]) -> Iterator[Moment]:
    """Each connection that Toxiproxy ended before a byte had come back."""
    for connection in link.connections:
        at_ns = connection.ended_by_us_ns
        if connection.accepted_ns and at_ns and not connection.outgoing.marks:
            yield Moment(connection.opened_ns, at_ns, there=at_ns - connection.opened_ns < S)


VIEWS: Mapping[str, View] = {
    "latency": late,
    "bandwidth": slow,
    "fragment": pieces,
    "stall": held,
    "partition": held,
    "blackhole": held,
    "cut": ended,
    "refuse": refused,
    "block_new_only": refused,
    "reset": was_reset,
    "one_sided_close": half_dead,
    "truncate": ended,
    "corrupt": damaged,
    "duplicate": broken_order,
    "drop": broken_order,
    "fail_first": turned_away,
    "reject": rejected,
    "hang": unanswered,
}
