"""Claims about which links `lab.py links` shows."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from driver.cli.links import is_used
from driver.labs.toxiproxy_api import LinkState

NEW = LinkState("api[1]->db:5432", "[::]:20001", "10.231.0.2:5432", True, 0, 0, 0, 0, [], [])


@pytest.mark.parametrize(
    ("state", "used"),
    [({}, False), ({"accepted": 1}, True), ({"faults": ["f1"]}, True), ({"enabled": False}, True)],
    ids=["nothing", "a connection", "a fault", "closed"],
)
def test_a_link_is_shown_once_it_was_used_or_hurt(state: dict[str, Any], used: bool) -> None:
    assert is_used(replace(NEW, **state)) is used
