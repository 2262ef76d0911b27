"""Claims about the addresses of a lab with doors."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driver.errors import LabError
from driver.systems.door_network import POOL, SubnetPlan, free_subnets

NETWORKS = st.builds(
    lambda number, prefix: IPv4Network((POOL.network_address + number, prefix), strict=False),
    st.integers(0, POOL.num_addresses - 1),
    st.integers(14, 30),
)


@given(st.lists(NETWORKS, max_size=6), st.integers(0, 40), st.integers(0, 2**32))
def test_subnets_overlap_neither_one_another_nor_what_is_taken(
    taken: list[IPv4Network], count: int, first: int
) -> None:
    try:
        found = free_subnets(count, taken, first)
    except LabError:
        left = [one for one in POOL.subnets(new_prefix=22) if not any(map(one.overlaps, taken))]
        assert len(left) < count
        return
    assert len(set(found)) == count
    assert all(one.subnet_of(POOL) and one.prefixlen == 22 for one in found)
    assert not any(one.overlaps(other) for one in found for other in taken)


def test_labs_look_for_subnets_in_different_places() -> None:
    assert free_subnets(1, [], 5) == [IPv4Network("10.236.20.0/22")]
    assert free_subnets(1, [IPv4Network("10.236.20.0/30")], 5) == [IPv4Network("10.236.24.0/22")]


def test_a_pool_that_is_full_is_an_error_with_the_numbers() -> None:
    with pytest.raises(LabError, match=r"needs 2 networks, and 10\.236\.0\.0/14 has 0 free ones"):
        free_subnets(2, [IPv4Network("10.0.0.0/8")], 0)


def test_fixed_addresses_are_none_that_the_engine_gives() -> None:
    plan = SubnetPlan(IPv4Network("10.236.0.0/22"))
    address = plan.address("sl-door-db")
    assert IPv4Address(address) not in plan.dynamic
    # The gateway is the first address of what the engine gives.
    assert plan.subnet[1] in plan.dynamic
    assert plan.address("sl-door-db") == address != plan.address("sl-door-mq")


def test_a_subnet_without_an_address_left_says_so() -> None:
    plan = SubnetPlan(IPv4Network("10.236.0.0/29"))
    for number in range(2):
        plan.address(f"door-{number}")
    with pytest.raises(LabError, match=r"10\.236\.0\.0/29 has no address left for door-2"):
        plan.address("door-2")
