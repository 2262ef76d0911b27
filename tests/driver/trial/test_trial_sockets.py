"""Claims about the kernel's table of TCP sockets, on rows as Linux prints them."""

from __future__ import annotations

import pytest

from driver.systems.sockets import half_closed, listening_ports

HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"


def table(*rows: tuple[str, str]) -> str:
    """A table of sockets: local address and state of each."""
    return HEAD + "".join(
        f"{number:4}: {local} 0200EC0A:D431 {state} 00000000:00000000 00:00000000 00000000  1000  0 12345\n"
        for number, (local, state) in enumerate(rows)
    )


@pytest.mark.parametrize(
    ("local", "ports"),
    [
        ("00000000:1F40", {8000}),
        ("0300EC0A:1538", {5432}),
        ("00000000000000000000000000000000:18EB", {6379}),
        ("0100007F:1F40", set()),
        ("0B00007F:A3C1", set()),
        ("00000000000000000000000001000000:1F40", set()),
        ("0000000000000000FFFF00000100007F:1F40", set()),
    ],
    ids=[
        "any",
        "one address",
        "any, IPv6",
        "loopback",
        "the engine's DNS",
        "IPv6 loopback",
        "mapped loopback",
    ],
)
def test_a_service_listens_for_others_on_what_is_not_loopback(local: str, ports: set[int]) -> None:
    assert listening_ports(table((local, "0A"))) == ports


def test_a_connection_is_no_listener() -> None:
    assert listening_ports(table(("0300EC0A:1538", "01"), ("0300EC0A:1539", "06"))) == set()


def test_connections_that_the_other_side_has_closed_are_named() -> None:
    rows = [
        ("0300EC0A:1538", "08"),
        ("0300EC0A:1539", "08"),
        ("0300EC0A:1538", "01"),
        ("0100007F:1F40", "08"),
    ]
    assert half_closed(table(*rows)) == {
        "0300EC0A:1538 0200EC0A:D431",
        "0300EC0A:1539 0200EC0A:D431",
    }


def test_what_is_no_row_is_left_out() -> None:
    assert listening_ports("cat: no such file\n0: x\n 1: 00000000:ZZ a 0A\n" + HEAD) == set()
