"""What the packets say of a container's faults: silence, ends, new lives; and its cgroup of its limits."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from tests.captures.tap import FIN, RST, SYN, Packet

MS = 1_000_000
S = 1_000_000_000
# What lay in the kernel may still leave; a call of the engine is known when it returns.
EDGE_NS = 500 * MS
CALL_NS = 2 * S


class Exact(Protocol):
    """Where to note how far the packets lie from a receipt's times."""

    begin_ms: float | None
    end_ms: float | None


@dataclass
class Host:
    """One container's packets, by what they are; and what its cgroup said, when."""

    any_ns: list[int] = field(default_factory=list)
    data_ns: list[int] = field(default_factory=list)
    ends_ns: list[int] = field(default_factory=list)
    opens_ns: list[int] = field(default_factory=list)
    limits: list[tuple[int, float, int]] = field(default_factory=list)

    def take(self, packet: Packet) -> None:
        """One more packet that it sent."""
        self.any_ns.append(packet.at_ns)
        if packet.payload:
            self.data_ns.append(packet.at_ns)
        if packet.flags & (FIN | RST):
            self.ends_ns.append(packet.at_ns)
        if packet.flags & SYN:
            self.opens_ns.append(packet.at_ns)


def hosts(packets: Iterable[Packet], ports: Mapping[int, str], prober: int) -> dict[str, Host]:
    """Worker → what it sent to Toxiproxy: by the port of its link, since a container that is started again
    may have the address of another one. Only the prober, at its address, asks at these ports besides.
    """
    found = {name: Host() for name in ports.values()}
    for packet in packets:
        if packet.dport in ports and packet.src != prober:
            found[ports[packet.dport]].take(packet)
    return found


def gone(receipt: Mapping[str, Any], found: Mapping[str, Host], exact: Exact) -> str:
    """What is to be seen against the receipt of a container fault; "" when nothing is."""
    for name in receipt["hit"]:
        if name in found and (against := _against(receipt, found[name], exact)):
            return against
    return ""


def _against(receipt: Mapping[str, Any], host: Host, exact: Exact) -> str:
    kind, began_ns, ended_ns = receipt["kind"], receipt["began_ns"], receipt["ended_ns"]
    if kind in ("cpu", "memory"):
        return _limit(receipt, host)
    if kind == "restart":
        if not _between(host.ends_ns, began_ns - EDGE_NS, began_ns + 20 * S):
            return "no connection of it ended"
        return "" if _between(host.opens_ns, began_ns, began_ns + 25 * S) else "it opened no connection again"
    sent = host.any_ns if kind == "unplug" else host.data_ns
    # An orderly stop takes its time: it has begun when its last connection ended. A kill is known when the
    # engine's call returns.
    ends = _between(host.ends_ns, began_ns - CALL_NS, ended_ns)
    if kind in ("kill", "stop") and not ends:
        return "no connection of it ended"
    begin_ns = ends[-1] if kind == "stop" else began_ns
    if inside := _between(sent, begin_ns + EDGE_NS, ended_ns - EDGE_NS):
        return f"it sent something {(inside[0] - began_ns) / S:.2f} s after its begin"
    before, after = (
        _between(sent, began_ns - 5 * S, began_ns + EDGE_NS),
        _between(sent, ended_ns - EDGE_NS, ended_ns + 30 * S),
    )
    if not before or not after:
        return f"it sent nothing {'before' if not before else 'afterwards'}: its silence is not the fault's"
    exact.begin_ms, exact.end_ms = (before[-1] - began_ns) / MS, (after[0] - ended_ns) / MS
    return ""


def _limit(receipt: Mapping[str, Any], host: Host) -> str:
    """Limits leave no trace in packets: the evidence is the kernel's own files, read all the time."""
    place = 1 if receipt["kind"] == "cpu" else 2
    asked = receipt["asked"].get(
        "cpu_cores" if place == 1 else "memory_bytes", receipt["measured"].get("memory_bytes")
    )
    inside = [
        one for one in host.limits if receipt["began_ns"] + EDGE_NS < one[0] < receipt["ended_ns"] - EDGE_NS
    ]
    if not inside:
        return "its cgroup was not read while it was on"
    wrong = [one for one in inside if abs(one[place] - float(asked)) > 0.01 * float(asked)]
    return f"its cgroup said {wrong[0][place]:g}" if wrong else ""


def _between(moments: list[int], from_ns: int, until_ns: int) -> list[int]:
    return moments[bisect_left(moments, from_ns) : bisect_left(moments, until_ns)]
