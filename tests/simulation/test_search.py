"""Claims about the search and the shrinker of the simulation."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest

from tests.simulation import found_plans
from tests.simulation.anchors import EVENTS
from tests.simulation.archive import Archive
from tests.simulation.breach import BrokenError
from tests.simulation.network import Connection
from tests.simulation.novelty import FeaturesWorld
from tests.simulation.plan import Plan, Trouble, draw_plan
from tests.simulation.search import SimulatedSearch
from tests.simulation.short_plan import draw_short_plan
from tests.simulation.shrink import broken_by, kind_of, shortest, simpler, size_of
from tests.simulation.world import World
from wire import events, task_events


def _reached(plan: Plan) -> tuple[FeaturesWorld, Archive]:
    world, archive = FeaturesWorld(plan), Archive()
    world.run()
    archive.add(random.Random(1), plan, world.moments)
    return world, archive


def test_the_same_seed_runs_the_same_plans() -> None:
    one, other = SimulatedSearch(3), SimulatedSearch(3)
    for _ in range(12):
        assert one.step() is other.step() is None
    plans = [[entry.schedule for entry in each.corpus.entries] for each in (one, other)]
    assert plans[0] == plans[1]
    assert one.corpus.seen == other.corpus.seen


def test_another_seed_runs_other_plans() -> None:
    one, other = SimulatedSearch(3), SimulatedSearch(4)
    one.step(), other.step()
    assert one.corpus.entries[0].schedule != other.corpus.entries[0].schedule


def test_a_search_ends_with_its_budget() -> None:
    times = iter((0.0, 1.0, 2.0, 11.0))
    search = SimulatedSearch(1, plain=True)
    assert search.run(1_000, 10.0, lambda: next(times)) is None
    assert search.number == 2


def test_the_shipped_cores_come_through_a_search() -> None:
    found = SimulatedSearch(5).run(60, 1e9)
    assert found is None


class _Recorded(World):
    """A world that keeps when each anchored trouble began."""

    def __init__(self, plan: Plan) -> None:
        self.begun: list[tuple[str, str, int]] = []
        self.struck_by: list[Trouble] = []
        self.at_ns: list[int] = []
        super().__init__(plan)

    def struck(self, trouble: Trouble) -> None:
        self.begun.append((trouble.kind, trouble.when, self.clock.now_ns))
        self.struck_by.append(trouble)
        self.at_ns.append(self.clock.now_ns)


def test_an_anchored_trouble_begins_at_its_event_each_time() -> None:
    calm = replace(draw_plan(17), troubles=(Trouble(0.0, "cut", 1, 0.1, "Assigned", 2),))
    worlds = [_Recorded(calm) for _ in range(2)]
    for world in worlds:
        world.run()
    assert worlds[0].begun == worlds[1].begun
    ((kind, event, at_ns),) = worlds[0].begun
    assert (kind, event) == ("cut", "Assigned")
    assert at_ns == [one.at_ns for one in worlds[0].assigned if one.worker == "worker-1"][1]


def test_a_trouble_at_a_frame_begins_when_that_one_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[int] = []
    send = Connection.send

    def note(self: Connection, end: int, data: bytes) -> None:
        if not (self.ends[0].is_closed or self.ends[1].is_closed):
            sent.append(end)
        send(self, end, data)

    monkeypatch.setattr(Connection, "send", note)
    plan, counts = replace(draw_short_plan(17), workers=1), []
    for nth in range(1, 20):
        sent.clear()
        world = _Recorded(replace(plan, troubles=(Trouble(0.0, "cut", 1, 0.1, "FrameToCoordinator", nth),)))
        monkeypatch.setattr(world, "struck", lambda trouble: counts.append(sent.count(0)))
        world.run()
    assert counts == list(range(1, 20))


def test_a_plan_leads_to_each_state_that_it_has_reached() -> None:
    for seed in range(6):
        plan = draw_short_plan(seed)
        _, archive = _reached(replace(plan, troubles=plan.troubles[: seed % 2]))
        for way in random.Random(seed).sample(list(archive.ways.values()), 4):
            aimed = Trouble(0.0, "cut", way.worker, 0.123, way.name, way.nth)
            world = _Recorded(replace(way.plan, troubles=(aimed, *way.plan.troubles)))
            world.run()
            begun_ms = [at_ns // 1_000_000 - 1_000 for at_ns in world.at_ns]
            assert (aimed, way.at_ms) in zip(world.struck_by, begun_ms, strict=True), (seed, way)


def test_a_further_plan_has_one_trouble_more_at_a_message() -> None:
    for seed in range(12):
        plan = replace(draw_short_plan(seed), troubles=draw_short_plan(seed).troubles[:2])
        further = _reached(plan)[1].further(random.Random(seed))
        (new,) = set(further.troubles) - set(plan.troubles)
        assert len(further.troubles) == len(plan.troubles) + 1
        assert new.when


def test_no_kind_of_trouble_is_aimed_at_a_message_twice_before_the_others() -> None:
    calm = replace(draw_short_plan(17), troubles=())
    archive = _reached(calm)[1]
    chance = random.Random(1)
    aims = [archive.further(chance).troubles[0] for _ in range(120)]
    assert len({(one.kind, one.when) for one in aims}) > 100


def test_the_archive_prefers_the_plan_of_fewer_troubles() -> None:
    plan = replace(draw_short_plan(17), troubles=(Trouble(4.9, "clock_step", 1, 0.1),))
    world, archive = _reached(plan)
    calm = replace(plan, troubles=())
    archive.add(random.Random(1), calm, world.moments)
    assert all(way.plan == calm for way in archive.ways.values())


def test_both_arms_draw_troubles_at_times_and_at_anchors() -> None:
    plain = SimulatedSearch(1, plain=True)
    for _ in range(3):
        plain.step()
    drawn = [one for seed in range(200) for one in draw_short_plan(seed).troubles]
    assert plain.corpus.entries == []
    assert 0.15 < sum(bool(one.when) for one in drawn) / len(drawn) < 0.35


def test_a_moment_says_what_the_two_sides_disagree_about() -> None:
    plan = replace(
        draw_short_plan(17), workers=1, troubles=(Trouble(0.0, "kill_coordinator", 1, 0.1, "Assigned", 1),)
    )
    states = [moment[3] for moment in _reached(plan)[0].moments]
    assert any("A" in disk for *_, disk, _ in states), "an assignment is not on the disk yet"
    assert any({"F", "R"} & set(fleet) for *_, fleet in states), "and the next life lacks it"


def test_a_short_plan_ends_soon_after_its_troubles() -> None:
    plan = replace(draw_short_plan(3), troubles=())
    world = World(plan)
    world.run()
    assert plan.lasts_s + plan.rest_s < world.clock.now_ns / 1e9 - 1 < 8.0


def test_a_trouble_whose_event_never_comes_does_not_begin() -> None:
    world = _Recorded(replace(draw_plan(17), troubles=(Trouble(0.0, "cut", 1, 0.1, "Assigned", 10_000),)))
    world.run()
    assert world.begun == []
    assert world.armed == []


@pytest.mark.parametrize("name", EVENTS)
def test_an_anchor_is_a_kind_of_event(name: str) -> None:
    kind = getattr(events, name, None) or getattr(task_events, name)
    assert issubclass(kind, events.Event)


def test_a_breach_is_the_same_whatever_its_numbers() -> None:
    assert kind_of("task-6 has two live leases: worker-1 and worker-3") == kind_of(
        "task-17 has two live leases: worker-2 and worker-1"
    )
    assert kind_of("task-6 has two live leases") != kind_of("task-6 was counted twice")


def test_each_simpler_plan_is_smaller() -> None:
    plan = replace(
        draw_plan(3), troubles=(*draw_plan(3).troubles, Trouble(1.234, "cut", 1, 2.34, "Assigned", 3))
    )
    candidates = list(simpler(plan))
    assert candidates
    assert all(size_of(one) < size_of(plan) for one in candidates)


def test_a_plan_is_made_small_and_breaks_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two invariants are broken on purpose: the reduction must not slip from the one to the other."""

    def check(world: World, steps: int) -> None:
        kinds = {type(event).__name__ for event in world.last}
        if "ConnectionLost" in kinds and "CheckpointCommitted" in kinds:
            raise BrokenError(f"a checkpoint beside a loss, step {steps}")
        if "TaskSubmitted" not in kinds and steps > 20_000:
            raise BrokenError("another breach")

    monkeypatch.setattr(World, "check", check)
    plan = next(
        plan for plan in map(draw_plan, range(200)) if (broken_by(plan) or [""])[0].startswith("a check")
    )
    small = shortest(plan, most=150)
    found = broken_by(small)
    assert found is not None
    assert kind_of(found[0]) == "a checkpoint beside a loss, step #"
    assert size_of(small) < size_of(plan)
    assert len(small.troubles) <= 1


def test_a_plan_that_was_found_is_read_as_it_was_saved(tmp_path: Path) -> None:
    plan = draw_plan(3)
    path = found_plans.save(tmp_path, plan, "task-1 was lost")
    assert found_plans.load(path) == found_plans.FoundPlan("task-1 was lost", plan)
    assert found_plans.save(tmp_path, plan, "task-1 was lost") == path
