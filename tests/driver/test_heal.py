"""Healing uses the present state, restores in order, and returns what is left."""

from __future__ import annotations

from driver.errors import LinksError
from driver.labs.heal import HealTiming, find_degraded, heal
from driver.labs.toxiproxy_api import HealResult, Link
from driver.reference.labs.lab import Lab
from tests.driver.fakes import SPEC, FakeEngine, FakeLinks

WANTED = [Link("worker-1", "[::]:20001", "c:1")]


BRISK = HealTiming(try_again_s=0.0, answers_within_s=0.1)


def lab(hurt: dict[str, list[str]], faults: list[str] | None = None, refuses: str = "") -> Lab:
    engine = FakeEngine(dict.fromkeys(hurt, "running"), hurt, {refuses})
    return Lab(engine, SPEC, FakeLinks({"worker-1": faults or []}))


async def test_every_kind_of_degradation_is_undone() -> None:
    hurt = {
        "worker-1": ["paused"],
        "worker-2": ["exited"],
        "worker-3": ["unplugged"],
        "worker-4": ["limited"],
    }
    healing = await heal(lab(hurt, ["f1"]), WANTED, BRISK)
    assert healing.containers == ["worker-1", "worker-2", "worker-3", "worker-4"]
    assert healing.links == ["worker-1"]
    assert healing.left == []


async def test_containers_are_healed_before_links() -> None:
    engine = FakeEngine({"worker-1": "running"}, {"worker-1": ["paused"]})

    class Links(FakeLinks):
        def heal(self) -> HealResult:
            assert engine.degradations() == {}, "links were healed first"
            return super().heal()

    assert (await heal(Lab(engine, SPEC, Links({"worker-1": ["f1"]})), WANTED, BRISK)).left == []


async def test_a_lab_that_is_well_is_left_as_it_is() -> None:
    engine = FakeEngine({})
    healing = await heal(Lab(engine, SPEC, FakeLinks({"worker-1": []})), WANTED, BRISK)
    assert (healing.containers, healing.links, healing.left) == ([], [], [])
    assert engine.asked == []


async def test_what_cannot_be_healed_is_left_and_named() -> None:
    healing = await heal(lab({"worker-1": ["paused"]}, refuses="unpause"), WANTED, BRISK)
    assert healing.left == ["worker-1 (paused)"]


async def test_a_link_that_is_not_there_is_made_again() -> None:
    links = FakeLinks({})
    assert (await heal(Lab(FakeEngine({}), SPEC, links), WANTED, BRISK)).left == []
    assert set(links.faults_on) == {"worker-1"}


async def test_a_toxiproxy_that_stays_silent_is_left_and_named() -> None:
    silent = Lab(FakeEngine({}), SPEC, FakeLinks({}, silent=True))
    (left,) = (await heal(silent, WANTED, BRISK)).left
    assert left.startswith("toxiproxy (")


async def test_a_heal_whose_answer_is_lost_names_what_it_restored() -> None:
    class LosesItsFirstAnswer(FakeLinks):
        def heal(self) -> HealResult:
            result = super().heal()
            if self.asked.count("heal") == 1:
                raise LinksError("Toxiproxy did not answer in time.")
            return result

    links = LosesItsFirstAnswer({"worker-1": ["f1"]})
    healing = await heal(Lab(FakeEngine({}), SPEC, links), WANTED, BRISK)
    assert (healing.links, healing.left) == (["worker-1"], [])


async def test_a_link_that_toxiproxy_shows_as_stuck_is_left_and_named() -> None:
    stuck = Lab(FakeEngine({}), SPEC, FakeLinks({"worker-1": []}, stuck={"worker-1"}))
    healing = await heal(stuck, WANTED, BRISK)
    assert (healing.links, healing.left) == (["worker-1"], ["link worker-1"])
    assert find_degraded(stuck).links == ["worker-1"]


async def test_a_link_that_the_heal_could_not_open_is_left_and_named() -> None:
    class Refusing(FakeLinks):
        def heal(self) -> HealResult:
            return HealResult([], 0, [], stuck=["worker-1"])

    healing = await heal(Lab(FakeEngine({}), SPEC, Refusing({"worker-1": []})), WANTED, BRISK)
    assert healing.left == ["link worker-1"]


async def test_a_container_that_no_fault_ended_is_left_to_its_system() -> None:
    hurt = {"db": ["exited"], "api": ["exited"], "web": ["exited", "paused"]}
    one = lab(hurt)
    healing = await heal(one, WANTED, BRISK, ended=["db"])
    assert healing.containers == ["db", "web"]
    assert healing.left == []
    assert one.engine.degradations() == {"api": ["exited"], "web": ["exited"]}


def test_a_container_that_no_fault_ended_is_not_degraded() -> None:
    one = lab({"db": ["exited"], "api": ["exited"], "web": ["exited", "paused"]})
    assert find_degraded(one, ["db"]).containers == ["db", "web"]
    assert find_degraded(one).containers == ["api", "db", "web"]
