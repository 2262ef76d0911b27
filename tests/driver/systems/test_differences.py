"""Claims about what is said of volumes and networks that a lab replaces."""

from __future__ import annotations

from typing import Any

import pytest

from driver.systems.differences import differences
from tests.driver.systems.compose_files import DB, config_of


@pytest.mark.parametrize(
    ("section", "one", "lines"),
    [
        (
            "volumes",
            {"name": "other", "external": True},
            ["fresh and empty: volume data (external other)"],
        ),
        ("volumes", {"name": "data", "external": True}, ["fresh and empty: volume data (external)"]),
        ("volumes", {"name": "mine"}, ["fresh and empty: volume data (named mine)"]),
        ("volumes", {"name": "shop_data"}, []),
        ("networks", {"name": "other", "external": True}, ["not joined: network data (external other)"]),
        ("networks", {"name": "mine"}, ["not joined: network data (named mine)"]),
        ("networks", {"name": "shop_data"}, []),
        ("networks", {"name": "shop_data", "enable_ipv6": True}, ["IPv4 only: network data (enable_ipv6)"]),
        ("networks", {"name": "shop_data", "enable_ipv6": False}, []),
    ],
)
def test_a_resource_that_is_shared_with_others_has_a_line(
    section: str, one: dict[str, Any], lines: list[str]
) -> None:
    assert differences(config_of({"db": DB}, **{section: {"data": one}})) == lines
