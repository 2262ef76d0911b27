"""What ends a connection from the middle of its path, and the slope that the cuts are judged by."""

from __future__ import annotations

import socket
import struct

import pytest

from benchmarks.bench_back_after_cut import slope
from benchmarks.packets import Segment, checksum, read_segment, reset

SEGMENT = Segment(socket.inet_aton("10.77.0.1"), socket.inet_aton("10.77.0.2"), 40_000, 8765, 99)


def test_a_reset_goes_the_way_of_its_segment_and_names_the_sequence() -> None:
    packet = reset(SEGMENT, 0xFFFFFFFE)
    read = read_segment(packet)
    assert read == Segment(SEGMENT.from_address, SEGMENT.to_address, 40_000, 8765, 0)
    assert struct.unpack_from("!I", packet, 24) == (0xFFFFFFFE,)
    assert packet[33] == 0x04


def test_a_resets_checksums_are_those_that_a_kernel_takes() -> None:
    packet = reset(SEGMENT, 1)
    assert checksum(packet[:20]) == 0
    assert checksum(packet[12:20] + struct.pack("!BBH", 0, 6, 20) + packet[20:]) == 0


def test_the_checksum_is_that_of_rfc_1071s_example() -> None:
    assert checksum(bytes.fromhex("0001f203f4f5f6f7")) == 0x220D


def test_what_is_no_tcp_over_ipv4_is_no_segment() -> None:
    packet = reset(SEGMENT, 1)
    assert read_segment(b"\x60" + packet[1:]) is None
    assert read_segment(packet[:9] + b"\x11" + packet[10:]) is None
    assert read_segment(packet[:30]) is None


def test_the_slope_of_two_round_trips_is_two_whatever_is_added() -> None:
    groups = [
        [(rtt + noise, 2 * (rtt + noise) + 3.0) for noise in (0.0, 0.1, 0.2)] for rtt in (0.0, 50.0, 100.0)
    ]
    found = slope(groups)
    assert found.median == pytest.approx(2.0)
    assert found.low == pytest.approx(2.0)
    assert found.high == pytest.approx(2.0)
