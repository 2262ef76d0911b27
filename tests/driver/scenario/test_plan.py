"""Plans: the seed fixes every target and time, and what cannot be is refused before anything starts."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from driver.scenarios.plan import Plan, PlannedFault
from driver.scenarios.resolve import resolve
from driver.scenarios.scenario_file import parse_scenario
from driver.scenarios.yaml_file import FileError

HEAD = "# All is well.\nworkers: 10\nduration: 100s\nwarmup: 0s\n"


def plan(timeline: str, seed: int = 1, more: str = "") -> Plan:
    return resolve(parse_scenario(f"{HEAD}{more}\ntimeline:\n{timeline}", "x"), seed)


def times(timeline: str, seed: int = 1) -> list[tuple[str, float, float | None]]:
    return [(fault.id, fault.at_s, fault.for_s) for fault in plan(timeline, seed).faults]


def test_a_fault_comes_as_often_as_it_fits() -> None:
    assert times("  - {fault: refuse, targets: all, at: 10s, for: 10s, every: 40s}") == [
        ("refuse-1", 10.0, 10.0), ("refuse-2", 50.0, 10.0), ("refuse-3", 90.0, 10.0),
    ]  # fmt: skip


def test_no_fault_comes_into_the_time_that_shows_whether_all_recovered() -> None:
    herd = "  - {fault: refuse, targets: all, at: 10s, for: 10s, every: 40s}"
    assert len(plan(herd, more="cooldown: 1s").faults) == 2
    with pytest.raises(FileError, match="and no fault may be in its last 20s"):
        plan("  - {fault: refuse, targets: all, at: 75s, for: 10s}", more="cooldown: 20s")


def test_work_is_measured_for_the_least_cooldown_after_the_last_fault() -> None:
    once = "  - {fault: refuse, targets: all, at: 10s, for: 10s}"
    assert plan(once, more="cooldown: 20s").measured_s is None
    assert plan(once, more="cooldown: 20s\nleast_cooldown: 3s").measured_s == 23.0
    assert plan(once, more="least_cooldown: 90s").measured_s == 100.0


def test_a_fault_comes_as_often_as_it_is_asked_for() -> None:
    told = times("  - {id: x, fault: cut, targets: all, at: 10s, every: 5s, repeat: 2}")
    assert told == [("x-1", 10.0, None), ("x-2", 15.0, None)]


def test_a_fault_begins_after_anothers_end() -> None:
    told = times(
        "  - {id: first, fault: stall, targets: 1, at: 5s, for: 7s}\n"
        "  - {fault: cut, targets: 1, after: first, at: 3s}\n"
    )
    assert told[1] == ("cut", 15.0, None)


def test_a_fault_begins_after_the_steady_state() -> None:
    text = (
        HEAD.replace("warmup: 0s", "warmup: 8s")
        + "timeline: [{fault: cut, targets: all, after: steady, at: 2s}]"
    )
    assert resolve(parse_scenario(text, "x"), 1).faults[0].at_s == 10.0


def test_a_sequence_comes_one_after_another_and_again() -> None:
    told = times(
        "  - at: 10s\n    every: 30s\n    repeat: 2\n    sequence:\n"
        "      - {fault: stall, targets: 1, for: 5s}\n"
        "      - {fault: cut, targets: 1, at: 2s}\n"
        "      - {fault: stall, targets: 2, at: 1s, for: 4s}\n"
    )
    assert [(name, at) for name, at, _ in told] == [
        ("stall-1", 10.0), ("cut-1", 17.0), ("stall-2-1", 18.0),
        ("stall-2", 40.0), ("cut-2", 47.0), ("stall-2-2", 48.0),
    ]  # fmt: skip


def test_parallel_entries_begin_together() -> None:
    told = times(
        "  - at: 10s\n    parallel:\n"
        "      - {fault: stall, targets: 1, for: 5s}\n"
        "      - {fault: cut, targets: 2, at: 2s}\n"
    )
    assert [at for _, at, _ in told] == [10.0, 12.0]


def test_rolling_hits_one_target_after_another() -> None:
    faults = plan("  - {fault: pause, targets: 1-5, at: 10s, for: 3s, rolling: 2s, batch: 2}").faults
    assert [(fault.targets, fault.at_s) for fault in faults] == [
        (("worker-1", "worker-2"), 10.0), (("worker-3", "worker-4"), 15.0), (("worker-5",), 20.0),
    ]  # fmt: skip


def test_a_flap_is_unfolded_into_its_stretches() -> None:
    faults = plan("  - {fault: flap, of: refuse, up: 2s, down: 1s, targets: 1-2, at: 5s, for: 7s}").faults
    assert [(fault.id, fault.fault, fault.at_s, fault.for_s) for fault in faults] == [
        ("flap-1", "refuse", 5.0, 1.0), ("flap-2", "refuse", 8.0, 1.0), ("flap-3", "refuse", 11.0, 1.0),
    ]  # fmt: skip


RANDOM = (
    "  - {fault: refuse, targets: 30%, at: 10s..15s, for: 2s..5s, every: 20s}\n"
    "  - {fault: kill, targets: random 2, at: 1s..9s, for: 1s}\n"
)


@settings(max_examples=50)
@given(st.integers(0, 2**63 - 1))
def test_the_same_seed_gives_the_same_plan_and_every_draw_is_within_its_bounds(seed: int) -> None:
    first = plan(RANDOM, seed)
    assert plan(RANDOM, seed) == first
    for number, fault in enumerate(fault for fault in first.faults if fault.fault == "refuse"):
        assert 10 + 20 * number <= fault.at_s <= 15 + 20 * number
        assert fault.for_s is not None
        assert 2 <= fault.for_s <= 5
        assert len(fault.targets) == 3


def test_another_seed_gives_another_plan() -> None:
    assert plan(RANDOM, 1).faults != plan(RANDOM, 2).faults
    assert len({fault.seed for fault in plan(RANDOM, 1).faults}) == len(plan(RANDOM, 1).faults)


def test_each_repetition_draws_again() -> None:
    faults = plan("  - {fault: cut, targets: 50%, at: 1s, every: 2s}").faults
    assert len({fault.targets for fault in faults}) > 10


def test_one_more_entry_does_not_change_what_others_draw() -> None:
    alone = [fault for fault in plan(RANDOM, 5).faults if fault.entry == "refuse"]
    more = [
        fault
        for fault in plan("  - {fault: reset, targets: 20%, at: 99s}\n" + RANDOM, 5).faults
        if fault.entry == "refuse"
    ]
    assert more == alone


def test_a_plan_is_stored_and_read_back_the_same() -> None:
    workload = "workload: {rate: 20/s, kinds: [{kind: sleep, params: {sleep_ms: 5..9}, payload: 4KiB}]}"
    flap = "{fault: flap, of: {fault: latency, mean: 5ms}, up: 1s, down: 1s, targets: 9, at: 5s, for: 4s}"
    stored = plan(f"{RANDOM}  - {flap}", 3, workload)
    assert Plan.model_validate_json(stored.to_json()) == stored
    stretch = next(fault for fault in stored.faults if fault.entry == "flap")
    assert stretch.build().params() == {"mean": "5ms"}


def test_the_coordinator_gets_the_number_of_workers() -> None:
    assert plan("  - {fault: cut, targets: all, at: 1s}").server_settings == {
        "fleet": 10, "members": 10, "held": 8,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("timeline", "key", "told"),
    [
        ("  - {fault: refus, targets: all, for: 5s}", "timeline[0].fault", "Did you mean refuse"),
        ("  - {fault: refuse, targets: all}", "timeline[0]", "expected `for`"),
        ("  - {fault: cut, targets: all, for: 5s}", "timeline[0].for", "takes no `for`"),
        ("  - {fault: refuse, for: 5s}", "timeline[0].targets", "'targets' is missing"),
        ("  - {fault: refuse, targets: 9-11, for: 5s}", "timeline[0].targets", "there are 10 workers"),
        ("  - {fault: refuse, targets: 0%, for: 5s}", "timeline[0].targets", "at least one target"),
        ("  - {fault: latency, mean: 200, targets: 1, for: 5s}", "timeline[0].mean", "which has no unit"),
        (
            "  - {fault: latency, mean: 2ms, jiter: 1ms, targets: 1, for: 5s}",
            "timeline[0].jiter",
            "Did you mean jitter",
        ),
        (
            "  - {fault: latency, mean: 2ms, targets: coordinator, for: 5s}",
            "timeline[0].targets",
            "`targets: all`",
        ),
        ("  - {fault: refuse, targets: all, at: 1, for: 5s}", "timeline[0].at", "which has no unit"),
        ("  - {fault: refuse, targets: all, at: 9s..5s, for: 5s}", "timeline[0].at", "the smaller first"),
        ("  - {fault: refuse, targets: all, for: 0s}", "timeline[0].for", "more than 0s"),
        (
            "  - {fault: refuse, targets: all, at: 91s, for: 10s}",
            "timeline[0].for",
            "ends at 101s, and the run lasts 100s",
        ),
        ("  - {fault: cut, targets: all, at: 101s}", "timeline[0].at", "the run lasts 100s"),
        (
            "  - {fault: cut, targets: all, at: 90s, every: 5s, repeat: 4}",
            "timeline[0].at",
            "the run lasts 100s",
        ),
        ("  - {fault: cut, targets: all, repeat: 4}", "timeline[0].repeat", "needs `every`"),
        ("  - {fault: cut, targets: all, after: absent}", "timeline[0].after", "an entry above"),
        (
            "  - {id: a, fault: cut, targets: 1}\n  - {id: a, fault: cut, targets: 2}",
            "timeline[1].id",
            "name of another entry",
        ),
        ("  - {targets: all}", "timeline[0]", "`fault:`, `sequence:` or `parallel:`"),
        (
            "  - sequence: [{fault: cut, targets: 1, after: start2}]",
            "timeline[0].sequence[0].after",
            "begins by its place",
        ),
        (
            "  - sequence: [{fault: cut, targets: 99}]",
            "timeline[0].sequence[0].targets",
            "there are 10 workers",
        ),
    ],
)
def test_what_cannot_be_is_refused_with_its_key(timeline: str, key: str, told: str) -> None:
    with pytest.raises(FileError) as caught:
        plan(timeline)
    assert f"`{key}`" in str(caught.value)
    assert told.replace("ends at", "would end at") in str(caught.value)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (
            "{fault: refuse, targets: 1-3, at: 1s, for: 9s}",
            "{fault: latency, mean: 3ms, targets: 3-5, at: 2s, for: 9s}",
        ),
        ("{fault: stall, targets: 1, at: 1s, for: 9s}", "{fault: stall, targets: 1, at: 9s, for: 9s}"),
        (
            "{fault: pause, targets: coordinator, at: 1s, for: 9s}",
            "{fault: kill, targets: coordinator, at: 2s, for: 1s}",
        ),
        ("{fault: kill, targets: toxiproxy, at: 1s, for: 3s}", "{fault: stall, targets: 1, at: 2s, for: 9s}"),
    ],
)
def test_faults_that_contradict_on_one_target_are_refused(one: str, other: str) -> None:
    with pytest.raises(FileError, match="conflicts with"):
        plan(f"  - {one}\n  - {other}\n")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (
            "{fault: refuse, targets: 1-3, at: 1s, for: 9s}",
            "{fault: latency, mean: 3ms, targets: 4-5, at: 2s, for: 9s}",
        ),
        ("{fault: stall, targets: 1, at: 1s, for: 9s}", "{fault: stall, targets: 1, at: 10s, for: 9s}"),
        (
            "{fault: pause, targets: 1, at: 1s, for: 9s}",
            "{fault: latency, mean: 3ms, targets: 1, at: 2s, for: 1s}",
        ),
        (
            "{fault: kill, targets: coordinator, at: 1s, for: 3s}",
            "{fault: latency, mean: 3ms, targets: 1, at: 2s, for: 9s}",
        ),
    ],
)
def test_faults_that_go_together_or_do_not_meet_are_planned(one: str, other: str) -> None:
    assert len(plan(f"  - {one}\n  - {other}\n").faults) == 2


def test_a_fault_before_the_steady_state_is_refused() -> None:
    text = HEAD.replace("warmup: 0s", "warmup: 8s") + "timeline: [{fault: cut, targets: all, at: 2s}]"
    with pytest.raises(FileError, match="before the steady state"):
        resolve(parse_scenario(text, "x"), 1)


@pytest.mark.parametrize(
    ("more", "key", "told"),
    [
        ("expect: [task_succes_rate >= 90%]", "expect[0]", "Did you mean task_success_rate"),
        ("expect: [task_success_rate >= 190%]", "expect[0]", "never above 100 %"),
        ("expect: ['within 5s of heal: connected >= 95%']", "expect[0]", "the timeline has no fault"),
        ("checks: [nothing_losst]", "checks[0]", "Did you mean nothing_lost"),
        ("checks: [{no_starvation: {pick: 3}}]", "checks[0]", "Did you mean picks"),
        ("abort_when: [conected < 10% for 5s]", "abort_when[0]", "Did you mean connected"),
        ("abort_when: [connected < 10%]", "abort_when[0]", "expected a rule like"),
    ],
)
def test_what_cannot_be_judged_is_refused(more: str, key: str, told: str) -> None:
    with pytest.raises(FileError) as caught:
        resolve(parse_scenario(HEAD + more, "x"), 1)
    assert f"`{key}`" in str(caught.value)
    assert told in str(caught.value)


def test_an_endless_repetition_is_bounded() -> None:
    with pytest.raises(FileError, match="more than"):
        plan("  - {fault: cut, targets: all, at: 1s, every: 1ms}")


def test_a_planned_fault_has_its_end() -> None:
    fault = PlannedFault(id="x", entry="x", fault="cut", params={}, targets=(), at_s=3.0, for_s=None, seed=0)
    assert fault.end_s == 3.0
