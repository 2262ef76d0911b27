"""Selections of a system's links and containers: exactly those that are named, drawn by the seed."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaos.system_targets import MOST_CHARACTERS, SystemTargets
from chaos.targets import Fleet, TargetError

SERVICES = {"api": 3, "cache": 1, "db": 1, "web-2.front": 1}
LINKS = [
    *(f"api[{n}]->{server}" for n in (1, 2, 3) for server in ("cache:6379", "db:5432", "db:9187")),
    "web-2.front[1]->db:5432",
    "outside->web-2.front:80",
]
TARGETS = SystemTargets(SERVICES, LINKS, seed=7, groups={"east": "api[1-2]->db:5432", "loop": ["loop"]})


def api(*numbers: int, server: str = "db:5432") -> set[str]:
    return {f"api[{number}]->{server}" for number in numbers}


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        ("all", set(LINKS) - {"outside->web-2.front:80"}),
        ("api->db:5432", api(1, 2, 3)),
        ("api->db", api(1, 2, 3) | api(1, 2, 3, server="db:9187")),
        ("*->db:5432", {*api(1, 2, 3), "web-2.front[1]->db:5432"}),
        ("api->*", {link for link in LINKS if link.startswith("api")}),
        ("web-2.front->*", {"web-2.front[1]->db:5432"}),
        ("api[1,3]->cache", api(1, 3, server="cache:6379")),
        ("api[2-3] -> db:9187", api(2, 3, server="db:9187")),
        ("outside->web-2.front", {"outside->web-2.front:80"}),
        ("*->web-2.front", None),
        ("api[1]->db:5432, web-2.front->db", {*api(1), "web-2.front[1]->db:5432"}),
        (["api[1]->db:5432", "api[3]->db:5432"], api(1, 3)),
        ("first 2 of api->db:5432", api(1, 2)),
        ("100% of api->cache", api(1, 2, 3, server="cache:6379")),
        ("east", api(1, 2)),
    ],
)
def test_a_selection_names_exactly_these_links(selection: Any, expected: set[str] | None) -> None:
    if expected is None:
        with pytest.raises(TargetError, match="names no link"):
            TARGETS.links(selection, "draw")
    else:
        found = TARGETS.links(selection, "draw")
        assert set(found) == expected
        assert list(found) == [link for link in LINKS if link in expected]


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        ("all", ["api[1]", "api[2]", "api[3]", "cache[1]", "db[1]", "web-2.front[1]"]),
        ("db", ["db[1]"]),
        ("api", ["api[1]", "api[2]", "api[3]"]),
        ("api[2]", ["api[2]"]),
        ("api[1,3]", ["api[1]", "api[3]"]),
        ("api[2], db", ["api[2]", "db[1]"]),
        (["cache", "api[1]"], ["api[1]", "cache[1]"]),
        ("first 1 of api", ["api[1]"]),
        ("first 2", ["api[1]", "api[2]"]),
    ],
)
def test_a_selection_names_exactly_these_containers(selection: Any, expected: list[str]) -> None:
    assert list(TARGETS.containers(selection, "draw")) == expected


@pytest.mark.parametrize(
    ("selection", "words"),
    [
        ("api->dv", "there is no service 'dv'. Did you mean db?"),
        ("apj->db", "there is no service 'apj'. Did you mean api?"),
        ("zzz->db", "The services are: api, cache, db, web-2.front."),
        ("api[4]->db", "names replica 4; api has 3 replicas"),
        ("cache[2]->db", "names replica 2; cache has 1 replica"),
        ("api[0]->db", "expected replicas like [1,3-5]"),
        ("api[3-1]->db", "expected replicas like [1,3-5]"),
        ("api[999999999999]->db", "expected replicas like [1,3-5]"),
        ("api->db:80", "names no link. There are: api->cache:6379, api->db:5432, api->db:9187"),
        ("db->api", "names no link. There are: "),
        ("outside[1]->web-2.front", "from outside has no replicas"),
        ("db", "`*->db` are the links to db, `db->*` those from it"),
        ("api->redis:6379,", "there is no service 'redis'"),
        ("apicache", "expected a link like api->db"),
        ("120% of api->db", "at most 100 %"),
        ("random 9 of api->db:5432", "asks for 9 links; there are 3"),
        ("0%", "expected at least one link"),
        (4, "expected a selection like api->db"),
        (True, "expected a selection like api->db"),
        ({"a": 1}, "expected a selection like api->db"),
        ("loop", "in a circle"),
        ("x" * (MOST_CHARACTERS + 1), "expected a selection like"),
        ("", "expected a link like"),
    ],
)
def test_what_names_no_link_is_refused(selection: Any, words: str) -> None:
    with pytest.raises(TargetError) as error:
        TARGETS.links(selection, "draw")
    assert words in str(error.value)
    assert len(str(error.value)) < 1_000


@pytest.mark.parametrize(
    ("selection", "words"),
    [
        ("dbb", "there is no service 'dbb'. Did you mean db?"),
        ("api[7]", "names replica 7; api has 3 replicas"),
        ("api->db", "takes no link"),
        ("random 5 of api", "asks for 5 containers; there are 3"),
    ],
)
def test_what_names_no_container_is_refused(selection: Any, words: str) -> None:
    with pytest.raises(TargetError) as error:
        TARGETS.containers(selection, "draw")
    assert words in str(error.value)


def test_a_selection_may_be_empty_where_that_is_allowed() -> None:
    assert TARGETS.links("0% of api->db", "draw", allow_empty=True) == ()


def test_a_service_is_not_hidden_by_a_word_of_the_grammar() -> None:
    odd = SystemTargets({"all": 1, "api": 1}, ["all[1]->api:1", "api[1]->all:2"], seed=1)
    assert odd.containers("all", "draw") == ("all[1]",)
    assert odd.links("all->api", "draw") == ("all[1]->api:1",)


@given(share=st.integers(0, 100), replicas=st.integers(1, 40), seed=st.integers(0, 10**6))
def test_a_share_is_as_large_as_of_workers_and_the_same_again(share: int, replicas: int, seed: int) -> None:
    links = [f"api[{number}]->db:1" for number in range(1, replicas + 1)]
    targets = SystemTargets({"api": replicas, "db": 1}, links, seed)
    found = targets.links(f"{share}% of api->db", "draw", allow_empty=True)
    assert len(found) == len(Fleet(replicas, seed).select(f"{share}%", "draw", allow_empty=True))
    assert found == targets.links(f"{share}% of api->db", "draw", allow_empty=True)
    assert set(found) <= set(links)


@given(count=st.integers(1, 9), seed=st.integers(0, 10**6))
def test_draws_of_one_name_are_equal_and_a_draw_hits_that_many(count: int, seed: int) -> None:
    targets = SystemTargets(SERVICES, LINKS, seed)
    found = targets.links(f"random {count} of api->*", "f1")
    assert len(set(found)) == count
    assert found == SystemTargets(SERVICES, LINKS, seed).links(f"random {count} of api->*", "f1")


def test_another_draw_can_hit_others() -> None:
    draws = {TARGETS.links("random 1 of api->db:5432", f"f{number}") for number in range(20)}
    assert len(draws) == 3


@given(
    parts=st.lists(
        st.sampled_from(["api->db:5432", "api[2]->*", "*->db", "30% of *->*", "first 1"]), min_size=1
    )
)
def test_a_list_is_all_of_its_parts_together(parts: list[str]) -> None:
    each = [TARGETS.links(part, f"d/{place}") for place, part in enumerate(parts)]
    assert set(TARGETS.links(parts, "d")) == set().union(*each)


@given(st.text(max_size=60))
def test_any_text_is_a_selection_or_an_error_of_one_kind(text: str) -> None:
    for select in (TARGETS.links, TARGETS.containers):
        with suppress(TargetError):
            assert select(text, "draw")
