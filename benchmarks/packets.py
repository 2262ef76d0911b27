"""As much of IPv4 and TCP (RFC 791, RFC 9293) as it takes to end a connection from the middle of its path."""

from __future__ import annotations

import struct
from dataclasses import dataclass

_TCP = 6
_RST = 0x04
_TTL = 64


@dataclass(frozen=True)
class Segment:
    """What one TCP segment says of its connection; addresses are 4 bytes each."""

    from_address: bytes
    to_address: bytes
    from_port: int
    to_port: int
    acknowledged: int


def read_segment(packet: bytes) -> Segment | None:
    """The TCP segment in an IPv4 packet, None for all else."""
    if len(packet) < 40 or packet[0] >> 4 != 4 or packet[9] != _TCP:
        return None
    from_port, to_port, _, acknowledged = struct.unpack_from("!HHII", packet, (packet[0] & 0x0F) * 4)
    return Segment(packet[12:16], packet[16:20], from_port, to_port, acknowledged)


def reset(like: Segment, sequence: int) -> bytes:
    """An RST that goes the way of `like`. Its receiver takes it when `sequence` is the next that it expects
    (RFC 5961, section 3.2).
    """
    ports = struct.pack("!HH", like.from_port, like.to_port)
    rest = struct.pack("!IIBBH", sequence, 0, 5 << 4, _RST, 0)
    urgent = bytes(2)
    around = like.from_address + like.to_address + struct.pack("!BBH", 0, _TCP, 20)
    code = checksum(around + ports + rest + bytes(2) + urgent)
    head = struct.pack("!BBHHHBB", 0x45, 0, 40, 0, 0, _TTL, _TCP)
    addresses = like.from_address + like.to_address
    header = head + struct.pack("!H", checksum(head + bytes(2) + addresses)) + addresses
    return header + ports + rest + struct.pack("!H", code) + urgent


def checksum(data: bytes) -> int:
    """The Internet checksum (RFC 1071) of an even number of bytes."""
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
