"""Claims about drawn schedules: each is valid, within its time, and the same for the same seed."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chaos.catalogue import FAULTS, make
from driver.scenarios.resolve import resolve
from driver.scenarios.scenario_file import parse_scenario
from driver.scenarios.yaml_file import dump_yaml
from driver.search.corpus import Corpus
from driver.search.draw_schedule import SHORTEST_S, conflict_in, draw, mutate
from driver.search.fault_space import LEFT_OUT, FaultSpace, drawable_faults
from driver.search.next_schedule import next_schedule
from driver.search.parameter_values import draw_params, example_params, simpler_params, valid_params
from driver.search.schedule import Schedule, scaled_rates

WORKERS = tuple(f"worker-{number}" for number in range(1, 6))
SPACE = FaultSpace(
    WORKERS, (*WORKERS, "coordinator"), 1.0, 6.0, 8.0, 5, drawable_faults(WORKERS, (*WORKERS, "coordinator"))
)
SEEDS = st.integers(0, 2**32)


def is_well_formed(schedule: Schedule) -> bool:
    """Whether all faults have targets on which they can act, are in order and within the space's time."""
    times = [one.at_s for one in schedule.faults]
    return (
        bool(times)
        and times == sorted(times)
        and not conflict_in(schedule)
        and all(
            one.targets
            and set(one.targets) <= set(SPACE.targets_of(one.fault))
            and SPACE.from_s <= one.at_s
            and one.end_s <= SPACE.until_s + 1e-9
            and (one.for_s is None) == (not FAULTS[one.fault].lasting)
            and (one.for_s or SHORTEST_S) >= SHORTEST_S
            for one in schedule.faults
        )
    )


@given(SEEDS)
def test_a_drawn_schedule_is_well_formed(seed: int) -> None:
    assert is_well_formed(draw(random.Random(seed), SPACE))


@given(SEEDS)
def test_a_changed_schedule_is_well_formed_and_another_one(seed: int) -> None:
    chance = random.Random(seed)
    parent, other = draw(chance, SPACE), draw(chance, SPACE)
    changed = mutate(chance, SPACE, parent, other)
    assert is_well_formed(changed)
    assert changed.key != parent.key


@settings(max_examples=30)
@given(SEEDS)
def test_a_schedule_is_the_timeline_of_a_scenario(seed: int) -> None:
    schedule = draw(random.Random(seed), SPACE)
    text = dump_yaml({"workers": 5, "duration": "8s", "warmup": "1s", "timeline": schedule.timeline()})
    plan = resolve(parse_scenario(f"# drawn\n{text}", "drawn"), seed=1)
    whole = {(one.entry, frozenset(one.targets)) for one in plan.faults}
    assert len(whole) == len(schedule.faults)
    assert {targets for _, targets in whole} == {frozenset(one.targets) for one in schedule.faults}
    assert {round(one.at_s, 6) for one in schedule.faults} <= {round(one.at_s, 6) for one in plan.faults}


def test_the_same_seed_draws_the_same_schedules() -> None:
    def schedules(seed: int) -> list[bytes]:
        corpus: Corpus[Schedule] = Corpus()
        found = []
        for number in range(1, 30):
            schedule, _ = next_schedule(seed, number, SPACE, corpus)
            corpus.add(number, schedule, {f"link|{len(schedule.faults)}", schedule.faults[0].fault})
            found.append(schedule.key)
        return found

    assert schedules(7) == schedules(7)
    assert schedules(7) != schedules(8)


def test_each_second_schedule_is_that_of_the_seed_whatever_was_seen() -> None:
    empty: Corpus[Schedule] = Corpus()
    full: Corpus[Schedule] = Corpus()
    full.add(1, draw(random.Random(1), SPACE), {"link|new"})
    for number in range(1, 20, 2):
        one, _ = next_schedule(3, number, SPACE, empty)
        other, parent = next_schedule(3, number, SPACE, full)
        assert (one, parent) == (other, None)
    assert next_schedule(3, 2, SPACE, full)[1] == 1


@pytest.mark.parametrize("fault", sorted(set(FAULTS) - set(LEFT_OUT)))
def test_drawn_parameters_are_taken_by_their_fault_and_differ(fault: str) -> None:
    found = [draw_params(random.Random(seed), fault, 5.0) for seed in range(60)]
    for params in found:
        make(fault, params)
        assert valid_params(fault, params) == params
    if any(info.is_required() for info in FAULTS[fault].model_fields.values()):
        assert len({str(params) for params in found}) > 1


@pytest.mark.parametrize("fault", sorted(FAULTS))
def test_the_parameters_of_an_example_are_taken(fault: str) -> None:
    assert valid_params(fault, example_params(fault)) is not None


@pytest.mark.parametrize("fault", sorted(set(FAULTS) - set(LEFT_OUT)))
def test_simpler_parameters_are_taken_and_come_to_an_end(fault: str) -> None:
    for seed in range(20):
        params, steps = draw_params(random.Random(seed), fault, 5.0), 0
        while (found := next(simpler_params(fault, params), None)) is not None:
            assert valid_params(fault, found) == found
            params, steps = found, steps + 1
            assert steps < 50


def test_no_drawn_duration_is_longer_than_the_run() -> None:
    graces = {str(draw_params(random.Random(seed), "restart", 3.0).get("grace")) for seed in range(50)}
    assert "None" not in graces
    assert all(
        float(one.removesuffix("ms").removesuffix("s")) <= (999 if "ms" in one else 3) for one in graces
    )


def test_rates_are_scaled_wherever_they_are() -> None:
    workload = {"a": {"http": "GET http://x", "rate": "9/s"}, "b": {"rate": 3}, "rate": "2/s"}
    found = scaled_rates(workload, 0.5)
    assert found == {"a": {"http": "GET http://x", "rate": "4.5/s"}, "b": {"rate": 3}, "rate": "1/s"}
    assert scaled_rates(None, 0.5) is None


def test_faults_wait_seldom_for_a_connection_on_a_link_that_has_no_new_one() -> None:
    def waits(space: FaultSpace) -> Counter[str]:
        faults = [one for seed in range(800) for one in draw(random.Random(seed), space).faults]
        return Counter(str(one.when["link"]) for one in faults if "connection" in one.when)

    some = waits(replace(SPACE, dialled=SPACE.links[:1]))
    first, *others = (some[str([link])] for link in SPACE.links)
    assert 0 < 2 * max(others) < first
    every = waits(SPACE)
    assert min(every.values()) > max(others)
