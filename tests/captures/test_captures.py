"""The capture's own judgement: packets are put together rightly, and a receipt that is not true is named."""

from __future__ import annotations

import struct
from typing import Any

import pytest

from tests.captures.compare import Seen, compare
from tests.captures.hosts import hosts
from tests.captures.streams import links
from tests.captures.tap import ACK, FIN, RST, SYN, Packet, parse

S, MS = 1_000_000_000, 1_000_000
CLIENT, PROXY, SERVER, PROBER = 1, 2, 3, 4
Way = tuple[int, int, int, int]
PORT, LINK, SPARE_PORT, SPARE = 20_001, "worker-1", 20_002, "worker-2"


class Wire:
    """Two WebSockets through Toxiproxy, one a link, as packets in its namespace."""

    def __init__(self) -> None:
        self.packets: list[Packet] = []
        self.sent: dict[Way, int] = {}

    def one(
        self, at_s: float, way: tuple[int, int, int, int], flags: int = ACK, payload: bytes = b""
    ) -> None:
        src, sport, dst, dport = way
        seq = self.sent.get(way, 100)
        self.packets.append(Packet(round(at_s * S), src, dst, sport, dport, seq, flags, payload))
        self.sent[way] = seq + len(payload) + bool(flags & (SYN | FIN))

    def open(self, at_s: float, port: int) -> None:
        near, far = (CLIENT, 40_000 + port, PROXY, port), (PROXY, 50_000 + port, SERVER, 8765)
        for way in (near, far):
            self.one(at_s, way, SYN)
            self.one(at_s, back(way), SYN | ACK)
            self.one(at_s, way, ACK, f"GET / HTTP/1.1\r\nSec-WebSocket-Key: k{port}\r\n\r\n".encode())

    def message(self, at_s: float, port: int, *, up_ms: float = 0.1, down_ms: float = 0.1) -> None:
        """A message to the coordinator, and one back."""
        near, far = (CLIENT, 40_000 + port, PROXY, port), (PROXY, 50_000 + port, SERVER, 8765)
        data = struct.pack(">d", at_s)
        self.one(at_s, near, ACK, data)
        self.one(at_s + up_ms / 1000, far, ACK, data)
        self.one(at_s + up_ms / 1000, back(far), ACK, data)
        self.one(at_s + (up_ms + down_ms) / 1000, back(near), ACK, data)


def back(way: Way) -> Way:
    return (way[2], way[3], way[0], way[1])


def delayed(from_s: float, until_s: float, *, up_ms: float = 100.0, spare_ms: float = 0.1) -> list[Packet]:
    """A link that is late for a while, and one beside it."""
    wire = Wire()
    for port in (PORT, SPARE_PORT):
        wire.open(1, port)
    for step in range(400):
        at_s = 2 + step * 0.1
        on = from_s <= at_s < until_s
        wire.message(at_s, PORT, up_ms=up_ms if on else 0.1)
        wire.message(at_s, SPARE_PORT, up_ms=spare_ms if on else 0.1)
    return sorted(wire.packets, key=lambda packet: packet.at_ns)


RECEIPT: dict[str, Any] = {
    "fault": "latency-1", "kind": "latency", "proved": True, "hit": [LINK], "missed": [], "spared": [SPARE],
    "began_ns": 10 * S, "ended_ns": 20 * S, "asked": {}, "measured": {"round_trip_longer_ms": 100.0},
}  # fmt: skip


def against(packets: list[Packet], **receipt: Any) -> str:
    found = links(packets, {PORT: LINK, SPARE_PORT: SPARE}, 8765)
    params = {"latency-1": {"mean_ms": 100.0, "direction": "to_coordinator"}}
    (truth,) = compare(Seen(found, {}, params, [{**RECEIPT, **receipt}]))
    return truth.against


def test_a_receipt_that_is_as_the_packets_show_is_true() -> None:
    assert against(delayed(10, 20)) == ""


@pytest.mark.parametrize(
    ("packets", "receipt", "expected"),
    [
        (delayed(12, 20), {}, "gone 0.20 s after its begin"),
        (delayed(10, 16), {}, "gone 6.00 s after its begin"),
        (delayed(7, 20), {}, "s before its begin"),
        (delayed(10, 26), {}, "s after its end"),
        (delayed(10, 20), {"measured": {"round_trip_longer_ms": 200.0}}, "the packets show 100.0"),
        (delayed(10, 20, spare_ms=100), {}, "worker-2 was hit as well"),
        (delayed(30, 31), {}, "nothing of it"),
    ],
    ids=["began late", "ended early", "began early", "ended late", "another size", "another link", "nothing"],
)
def test_a_receipt_that_is_not_is_named(
    packets: list[Packet], receipt: dict[str, Any], expected: str
) -> None:
    assert expected in against(packets, **receipt)


def test_bytes_are_followed_through_what_was_sent_twice() -> None:
    wire = Wire()
    wire.open(1, PORT)
    wire.message(2, PORT)
    wire.packets.append(wire.packets[-4])
    wire.message(3, PORT, up_ms=50)
    (pair,) = links(wire.packets, {PORT: LINK}, 8765)[LINK].pairs
    chunks = pair.chunks(up=True)
    assert [chunk.size for chunk in chunks[1:]] == [8, 8]
    assert [chunk.damaged for chunk in chunks] == [0, 0, 0]
    assert chunks[2].out_ns == round(3.05 * S)


def test_a_packet_is_read_from_its_frame() -> None:
    tcp = struct.pack(">HHIIBBHHH", 4000, 20_001, 7, 0, 5 << 4, ACK, 0, 0, 0)
    ip = struct.pack(">BBHHHBBHII", 0x45, 0, 20 + len(tcp) + 3, 0, 0, 64, 6, 0, CLIENT, PROXY)
    frame = bytes(12) + b"\x08\x00" + ip + tcp + b"abc" + bytes(9)
    assert parse(frame, 5) == Packet(5, CLIENT, PROXY, 4000, 20_001, 7, ACK, b"abc")
    assert parse(bytes(80), 5) is None


@pytest.mark.parametrize(("spoke_s", "expected"), [(15.0, "it sent something 5.00 s"), (25.0, "")])
def test_a_worker_that_was_paused_sends_nothing_meanwhile(spoke_s: float, expected: str) -> None:
    packets = [
        Packet(round(at_s * S), CLIENT, PROXY, 1, PORT, 0, ACK, b"x")
        for at_s in sorted((9.0, 9.9, spoke_s, 20.1, 21.0))
    ]
    receipt = {**RECEIPT, "kind": "pause", "fault": "pause-1"}
    seen = Seen({}, hosts(packets, {PORT: LINK}, PROBER), {"pause-1": {}}, [receipt])
    assert compare(seen)[0].against.startswith(expected)
    assert bool(compare(seen)[0].against) == bool(expected)


def test_a_kill_ends_a_connection() -> None:
    packets = [Packet(at_s * S, CLIENT, PROXY, 1, PORT, 0, ACK, b"x") for at_s in (9, 21)]
    receipt = {**RECEIPT, "kind": "kill", "fault": "kill-1"}

    def against() -> str:
        return compare(Seen({}, hosts(packets, {PORT: LINK}, PROBER), {"kill-1": {}}, [receipt]))[0].against

    assert against() == "no connection of it ended"
    packets.insert(1, Packet(10 * S, CLIENT, PROXY, 1, PORT, 0, RST, b""))
    assert against() == ""


def one_sided(closed_s: float, ended_s: float) -> list[Packet]:
    """A link whose client gets FIN, and its server RST, at these times."""
    wire = Wire()
    wire.open(1, PORT)
    wire.message(2, PORT)
    near, far = (CLIENT, 40_000 + PORT, PROXY, PORT), (PROXY, 50_000 + PORT, SERVER, 8765)
    wire.one(closed_s, back(near), FIN | ACK)
    wire.one(closed_s + 0.001, near, FIN | ACK)
    wire.one(ended_s, far, RST)
    return sorted(wire.packets, key=lambda packet: packet.at_ns)


@pytest.mark.parametrize(
    ("packets", "side", "expected"),
    [
        (one_sided(10, 20), "client", ""),
        (one_sided(10, 20), "server", "nothing of it"),
        (one_sided(10, 10.001), "client", "nothing of it"),
        (one_sided(5, 8), "client", "nothing of it"),
    ],
    ids=["one end", "the other end", "both ends", "before"],
)
def test_a_close_of_one_end_leaves_the_other_open(packets: list[Packet], side: str, expected: str) -> None:
    receipt = {**RECEIPT, "kind": "one_sided_close", "measured": {}, "spared": []}
    found = links(packets, {PORT: LINK}, 8765)
    (truth,) = compare(Seen(found, {}, {"latency-1": {"side": side, "how": "fin"}}, [receipt]))
    assert expected in truth.against
    assert bool(truth.against) == bool(expected)
