"""Writes every TCP packet of the network namespace it runs in to a file: python3 tap.py FILE, until SIGTERM.

Standard library alone: it is started by `nsenter --net` beside a process, with the host's Python.
"""

from __future__ import annotations

import signal
import socket
import struct
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

RECORD = struct.Struct(">QIIHHIBI")
FIN, SYN, RST, ACK = 1, 2, 4, 16
_EVERY_PROTOCOL = 3
_BUFFER_BYTES = 128 << 20
_SOL_PACKET, _STATISTICS, _RCVBUFFORCE, _TIMESTAMPNS = 263, 6, 33, 35


@dataclass(frozen=True, slots=True)
class Packet:
    """One TCP packet: when (CLOCK_MONOTONIC), from where to where, its sequence number, flags and payload."""

    at_ns: int
    src: int
    dst: int
    sport: int
    dport: int
    seq: int
    flags: int
    payload: bytes


def parse(frame: bytes, at_ns: int) -> Packet | None:
    """The TCP packet in an Ethernet frame; None where it holds none."""
    if len(frame) < 54 or frame[12:14] != b"\x08\x00" or frame[23] != 6:
        return None
    header = (frame[14] & 15) * 4
    (total,) = struct.unpack_from(">H", frame, 16)
    src, dst = struct.unpack_from(">II", frame, 26)
    tcp = 14 + header
    sport, dport, seq = struct.unpack_from(">HHI", frame, tcp)
    begin = tcp + (frame[tcp + 12] >> 4) * 4
    # What the sender left to the card to cut is one packet here; a length of 0 is more than IP can say.
    end = 14 + total if total else len(frame)
    return Packet(at_ns, src, dst, sport, dport, seq, frame[tcp + 13], frame[begin:end])


def _record(one: Packet) -> bytes:
    size = len(one.payload)
    return (
        RECORD.pack(one.at_ns, one.src, one.dst, one.sport, one.dport, one.seq, one.flags, size) + one.payload
    )


def read(path: Path) -> Iterator[Packet]:
    """The packets of a file, in the order in which they passed. A torn end is left out."""
    data = memoryview(path.read_bytes())
    place = 0
    while place + RECORD.size <= len(data):
        at_ns, src, dst, sport, dport, seq, flags, size = RECORD.unpack_from(data, place)
        place += RECORD.size
        if place + size > len(data):
            return
        yield Packet(at_ns, src, dst, sport, dport, seq, flags, bytes(data[place : place + size]))
        place += size


def lost(path: Path) -> int:
    """How many packets the kernel could not keep for the tap that wrote this file."""
    return int(path.with_suffix(".lost").read_text())


def main() -> int:
    """Capture until SIGTERM; beside the file, `.lost` says how many packets the kernel dropped."""
    path = Path(sys.argv[1])
    stopped = []
    signal.signal(signal.SIGTERM, lambda *_: stopped.append(True))
    tap = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_EVERY_PROTOCOL))
    tap.setsockopt(socket.SOL_SOCKET, _RCVBUFFORCE, _BUFFER_BYTES)
    tap.setsockopt(socket.SOL_SOCKET, _TIMESTAMPNS, 1)
    tap.settimeout(0.2)
    with path.open("wb", buffering=1 << 20) as file:
        while not stopped:
            try:
                frame, extra, _, _ = tap.recvmsg(1 << 17, 64)
            except (TimeoutError, InterruptedError):
                continue
            wall_ns = time.time_ns()
            if extra:
                seconds, nanoseconds = struct.unpack_from("qq", extra[0][2])
                wall_ns = seconds * 1_000_000_000 + nanoseconds
            packet = parse(frame, time.monotonic_ns() - time.time_ns() + wall_ns)
            if packet is not None:
                file.write(_record(packet))
    _, drops = struct.unpack("II", tap.getsockopt(_SOL_PACKET, _STATISTICS, 8))
    path.with_suffix(".lost").write_text(str(drops))
    return 0


if __name__ == "__main__":
    sys.exit(main())
