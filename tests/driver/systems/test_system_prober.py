"""Claims about the links that a system's prober observes, and the wait until it sees them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from chaos.prober.counters import LinkCounters
from chaos.prober.events import LinkSeen, StreamOpened
from chaos.prober.settings import ProbedLink, read_links
from driver.errors import NotReadyError
from driver.systems.doors import Door, Peer
from driver.systems.prober_container import ProberContainer
from driver.systems.system_prober import SystemProber, probed_links
from tests.driver.systems.fake_doors import GATEWAY, PAIRS, REPLICAS, FakeDoor, fake_links, replica
from tests.waiting import eventually
from wire.events import Journal

DOORS = [
    Door(f"sl-door-{number}", (server,), "10.236.8.9", 8474, pairs, f"10.236.12.{number}")
    for number, (server, pairs) in enumerate(PAIRS.items(), 1)
]


def prober_in(folder: Path) -> tuple[SystemProber, Mapping[str, FakeDoor]]:
    links, doors = fake_links()
    (folder / "prober").mkdir()
    return SystemProber(DOORS, links, folder, container_in(folder)), doors


def container_in(folder: Path) -> ProberContainer:
    return ProberContainer("doors-shop", folder, "10.236.12.7", folder)


def written(folder: Path) -> dict[str, ProbedLink]:
    return {link.name: link for link in read_links((folder / "prober/prober.links").read_bytes())}


def journal_in(folder: Path) -> Journal:
    file = (folder / "prober/prober.jsonl").open("ab", buffering=0)
    return Journal("prober", lambda line: file.write(line) and None, time.monotonic_ns, time.time)


def test_a_link_is_probed_at_its_servers_door_under_the_doors_own_name() -> None:
    ends = {"api[2]->db:5432": ("db", Peer("api->db:5432", "10.236.1.3"))}
    assert probed_links(ends, DOORS) == [
        ProbedLink("api[2]->db:5432", "10.236.12.1", 8475, "STORMLAB PROBE api->db:5432@10.236.1.3")
    ]


def test_a_link_whose_door_takes_no_prober_is_not_probed() -> None:
    ends = {"api[2]->db:5432": ("db", Peer("api->db:5432", "10.236.1.3"))}
    assert probed_links(ends, [Door("sl-door-1", ("db",), "10.236.8.9", 8474, ())]) == []
    assert probed_links(ends, []) == []


def test_following_makes_every_link_and_names_it_to_the_prober(tmp_path: Path) -> None:
    prober, doors = prober_in(tmp_path)
    names = prober.follow()
    assert names == sorted(written(tmp_path))
    assert len(names) == 6
    assert written(tmp_path)["outside->web:80"].preamble == f"STORMLAB PROBE outside->web:80@{GATEWAY}"
    assert doors["cache"].on.keys() == {"api->cache:6379@10.236.1.2", "api->cache:6379@10.236.1.3"}


def test_following_again_makes_the_links_of_a_door_that_lost_them(tmp_path: Path) -> None:
    prober, doors = prober_in(tmp_path)
    prober.follow()
    stamp = (tmp_path / "prober/prober.links").stat().st_mtime_ns
    doors["cache"].on.clear()
    prober.follow()
    assert len(doors["cache"].on) == 2
    assert (tmp_path / "prober/prober.links").stat().st_mtime_ns == stamp, "the prober starts nothing again"


def test_a_replica_that_moved_is_probed_where_it_is_and_one_that_ended_still(tmp_path: Path) -> None:
    replicas = list(REPLICAS)
    links, _ = fake_links(replicas=replicas)
    (tmp_path / "prober").mkdir()
    prober = SystemProber(DOORS, links, tmp_path, container_in(tmp_path))
    prober.follow()
    replicas[:2] = [replica("api", 1, "10.236.1.77"), replica("api", 2, "")]
    names = prober.follow()
    assert "api[1]->db:5432" in names
    assert "api[2]->db:5432" not in names
    assert written(tmp_path)["api[1]->db:5432"].preamble.endswith("@10.236.1.77")
    assert written(tmp_path)["api[2]->db:5432"].preamble.endswith("@10.236.1.3")


async def test_a_door_that_does_not_answer_ends_no_following(tmp_path: Path) -> None:
    prober, doors = prober_in(tmp_path)
    doors["cache"].refuses = {"ensure"}
    following = asyncio.create_task(prober.keep_following(every_s=0.0))
    await eventually(lambda: "ensure" in doors["cache"].asked, lambda: "", 10)
    assert not (tmp_path / "prober/prober.links").exists()
    doors["cache"].refuses = set()
    await eventually(lambda: (tmp_path / "prober/prober.links").exists(), lambda: "", 10)
    following.cancel()


def test_a_link_is_seen_once_the_prober_wrote_of_it_since_then(tmp_path: Path) -> None:
    prober, _ = prober_in(tmp_path)
    journal = journal_in(tmp_path)
    journal(StreamOpened, link="a", took_ms=1.0)
    then_ns = time.monotonic_ns()
    assert prober.unseen(["a", "b"], then_ns) == ["a", "b"]
    journal(StreamOpened, link="b", took_ms=1.0)
    assert prober.unseen(["a", "b"], then_ns) == ["a"]
    journal(LinkSeen, link="a", **LinkCounters(then_ns).fields())
    assert prober.unseen(["a", "b"], then_ns) == []


def test_waiting_ends_where_the_prober_does_not_see_a_link(tmp_path: Path) -> None:
    prober, _ = prober_in(tmp_path)
    with pytest.raises(NotReadyError, match="does not see a, b"):
        prober.wait_seen(["b", "a"], within_s=0.0)
    prober.wait_seen([])
