"""Packets put together: connections through Toxiproxy, both their sides, and what became of every byte."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, field

from tests.captures.tap import ACK, FIN, RST, SYN, Packet

_KEY = re.compile(rb"Sec-WebSocket-Key: *([A-Za-z0-9+/=]+)")
_HALF = 1 << 31
_ALL = 1 << 32


@dataclass
class Stream:
    """One direction of a connection: bytes in order, and (end offset, when) of each packet with some."""

    data: bytearray = field(default_factory=bytearray)
    marks: list[tuple[int, int]] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    begin: int | None = None
    fin_ns: int = 0
    rst_ns: int = 0

    def take(self, packet: Packet) -> None:
        """One more packet; what was sent before already is left out."""
        if packet.flags & SYN:
            self.begin = (packet.seq + 1) % _ALL
            return
        if packet.flags & RST and not self.rst_ns:
            self.rst_ns = packet.at_ns
        if packet.flags & FIN and not self.fin_ns:
            self.fin_ns = packet.at_ns
        if not packet.payload:
            return
        if self.begin is None:
            self.begin = packet.seq
        offset = (packet.seq - self.begin) % _ALL
        offset = offset - _ALL if offset >= _HALF else offset
        fresh = len(self.data) - offset
        # Only on loopback and bridges: nothing comes out of order, so what is ahead was not captured.
        if 0 <= fresh < len(packet.payload):
            self.data += packet.payload[fresh:]
            self.marks.append((len(self.data), packet.at_ns))
            self.sizes.append(len(packet.payload) - fresh)

    def when(self, end: int) -> int | None:
        """When the byte before offset `end` had passed; None where it never did."""
        place = bisect_left(self.marks, (end, 0))
        return self.marks[place][1] if place < len(self.marks) else None


@dataclass
class Connection:
    """One connection at one side of Toxiproxy: `incoming` from its peer there, `outgoing` to it."""

    peer: tuple[int, int]
    opened_ns: int
    incoming: Stream = field(default_factory=Stream)
    outgoing: Stream = field(default_factory=Stream)
    accepted_ns: int = 0
    refused_ns: int = 0

    @property
    def ended_by_us_ns(self) -> int:
        """When Toxiproxy ended it, by FIN or RST, before its peer did; 0 where it did not."""
        ours = min((at_ns for at_ns in (self.outgoing.fin_ns, self.outgoing.rst_ns) if at_ns), default=0)
        peer = min((at_ns for at_ns in (self.incoming.fin_ns, self.incoming.rst_ns) if at_ns), default=0)
        return ours if ours and (not peer or ours <= peer) else 0

    @property
    def last_ns(self) -> int:
        """When either side ended it; 0 while it is open."""
        ends = (self.outgoing.fin_ns, self.outgoing.rst_ns, self.incoming.fin_ns, self.incoming.rst_ns)
        return min((at_ns for at_ns in ends if at_ns), default=0)


@dataclass(frozen=True)
class Chunk:
    """Bytes that came in with one packet: when, when the last of them left (None: never), how many, how many
    of them differ, and the sizes of the packets in which they left.
    """

    in_ns: int
    out_ns: int | None
    size: int
    damaged: int
    pieces: tuple[int, ...]


@dataclass
class Pair:
    """A WebSocket through Toxiproxy: the client's connection, and the one to the coordinator."""

    client: Connection
    server: Connection

    def chunks(self, *, up: bool) -> list[Chunk]:
        """What became of the bytes of one direction."""
        came, left = (
            (self.client.incoming, self.server.outgoing)
            if up
            else (self.server.incoming, self.client.outgoing)
        )
        chunks = []
        begin = 0
        for end, at_ns in came.marks:
            same = left.data[begin:end]
            damaged = sum(a != b for a, b in zip(came.data[begin:end], same, strict=False))
            chunks.append(Chunk(at_ns, left.when(end), end - begin, damaged, _pieces(left, begin, end)))
            begin = end
        return chunks


def _pieces(left: Stream, begin: int, end: int) -> tuple[int, ...]:
    first = bisect_left(left.marks, (begin + 1, 0))
    last = bisect_left(left.marks, (end, 0))
    return tuple(left.sizes[first : last + 1])


@dataclass
class Link:
    """All connections of one link, and those of them that could be paired."""

    connections: list[Connection] = field(default_factory=list)
    pairs: list[Pair] = field(default_factory=list)


def links(packets: Iterable[Packet], ports: dict[int, str], server_port: int) -> dict[str, Link]:
    """Link → its connections, from the packets that passed Toxiproxy's own namespace. `ports` are those that
    it listens on.
    """
    found = {name: Link() for name in ports.values()}
    clients: dict[tuple[int, int, int], Connection] = {}
    servers: dict[tuple[int, int], Connection] = {}
    all_servers: list[Connection] = []
    for packet in packets:
        if packet.dport in ports or packet.sport in ports:
            comes = packet.dport in ports
            peer = (packet.src, packet.sport) if comes else (packet.dst, packet.dport)
            port = packet.dport if comes else packet.sport
            key = (*peer, port)
            if comes and packet.flags & SYN:
                clients[key] = Connection(peer, packet.at_ns)
                found[ports[port]].connections.append(clients[key])
            if key in clients:
                _take(clients[key], packet, comes=comes)
        elif server_port in (packet.dport, packet.sport):
            comes = packet.sport == server_port
            near = (packet.dst, packet.dport) if comes else (packet.src, packet.sport)
            if not comes and packet.flags & SYN:
                servers[near] = Connection(near, packet.at_ns)
                all_servers.append(servers[near])
            if near in servers:
                _take(servers[near], packet, comes=comes)
    _pair(found, all_servers)
    return found


def _take(connection: Connection, packet: Packet, *, comes: bool) -> None:
    if not comes and packet.flags & SYN and packet.flags & ACK:
        connection.accepted_ns = connection.accepted_ns or packet.at_ns
    if not comes and packet.flags & RST and not connection.accepted_ns:
        connection.refused_ns = connection.refused_ns or packet.at_ns
    (connection.incoming if comes else connection.outgoing).take(packet)


def _pair(found: dict[str, Link], servers: list[Connection]) -> None:
    by_key = {match[1]: one for one in servers if (match := _KEY.search(bytes(one.outgoing.data[:2000])))}
    for link in found.values():
        for client in link.connections:
            match = _KEY.search(bytes(client.incoming.data[:2000]))
            if match and (server := by_key.get(match[1])) is not None:
                link.pairs.append(Pair(client, server))
