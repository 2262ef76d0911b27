"""Reads the kernel's table of TCP sockets (/proc/net/tcp, /proc/net/tcp6; proc(5)). Pure."""

from __future__ import annotations

from collections.abc import Iterator

_LISTEN, _CLOSE_WAIT = "0A", "08"
_MOST_ROWS = 20_000
_LOOPBACK_4 = "7F"
_LOOPBACK_6 = "00000000000000000000000001000000"
_MAPPED_6 = "0000000000000000FFFF0000"


def listening_ports(table: str) -> set[int]:
    """Return the TCP ports on which another machine of the network is accepted; loopback's are left out."""
    return {
        int(port, 16)
        for address, port, state, _ in _rows(table)
        if state == _LISTEN and not _is_loopback(address)
    }


def loopback_ports(table: str) -> set[int]:
    """Return the TCP ports on which loopback alone is accepted."""
    every = {int(port, 16) for _, port, state, _ in _rows(table) if state == _LISTEN}
    return every - listening_ports(table)


def half_closed(table: str) -> frozenset[str]:
    """Return the connections that the other side has closed and this one has not (CLOSE_WAIT), by both
    addresses in the kernel's words. Those over loopback are left out.
    """
    return frozenset(
        f"{address}:{port} {other}"
        for address, port, state, other in _rows(table)
        if state == _CLOSE_WAIT and not _is_loopback(address)
    )


def _rows(table: str) -> Iterator[tuple[str, str, str, str]]:
    """Local address and port in the kernel's hexadecimal, state, and the other end's address and port; lines
    that are no row are skipped.
    """
    for line in table.splitlines()[:_MOST_ROWS]:
        fields = line.split()
        if len(fields) > 3 and fields[0].rstrip(":").isdigit():
            address, _, port = fields[1].partition(":")
            if len(port) == 4:
                yield address, port, fields[3], fields[2]


def _is_loopback(address: str) -> bool:
    """Whether an address is of loopback. The kernel prints each 32-bit word in its own order of bytes."""
    if address == _LOOPBACK_6:
        return True
    return address.removeprefix(_MAPPED_6)[6:] == _LOOPBACK_4
