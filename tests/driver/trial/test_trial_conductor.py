"""Claims about a whole trial, on a simulated system and its virtual clock."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from driver.errors import LabError, UsageError
from driver.exit_codes import ExitCode
from driver.trial import run_trial
from driver.trial.conductor import Conductor, TrialLimits, TrialResult
from driver.trial.programme import (
    ALL_REPLICAS,
    KINDS,
    PAIR,
    NothingToHitError,
    TrialStep,
    estimate,
    programme,
    refuse_unknown_words,
)
from driver.trial.run_trial import Choice, TrialProgress, conduct
from driver.trial.samples import FlowCounters, RequestCounters, SystemSample
from driver.trial.step_outcome import StepVerdict
from driver.trial.trial_records import FaultProof
from driver.trial.verdict import verdict
from tests.driver.trial.simulated_system import NEVER, SimulatedSystem

LINK = "api[1]->db:5432"
PAIR_NAME = "api->db:5432"


def step(fault: str, target: str = PAIR_NAME, index: int = 0) -> TrialStep:
    """The step of a fault; `index` tells a long stall from a short one."""
    return TrialStep([kind for kind in KINDS if kind.fault == fault][index], target)


def tried(
    system: SimulatedSystem, *steps: TrialStep, budget_s: float = 600.0, wait_s: float = 20.0
) -> TrialResult:
    """What a trial of these steps finds."""
    result = TrialResult()
    limits = TrialLimits(system.now + budget_s, watch_s=10.0, wait_s=wait_s)
    conductor = Conductor(system, system, limits, lambda line: None, lambda outcome: None)
    result.baseline = conductor.watch()
    conductor.try_steps(result.baseline, steps, result)
    return result


@pytest.fixture
def system() -> SimulatedSystem:
    return SimulatedSystem([LINK])


def test_a_link_that_carries_again_came_back_by_itself(system: SimulatedSystem) -> None:
    system.comes_back_s["cut api->db:5432"] = 3.0
    (outcome,) = tried(system, step("cut")).outcomes
    assert outcome.verdict is StepVerdict.came_back
    assert outcome.after_s == pytest.approx(3.0, abs=0.5)
    assert outcome.broke == []
    assert [str(one) for one in outcome.controls if one.broke] == [
        f"{LINK} (traffic since healing withheld)",
        "api[1] (the container ended)",
        "db[1] (the container ended)",
    ]


def test_a_link_that_stays_silent_broke_and_its_client_is_restarted(system: SimulatedSystem) -> None:
    system.comes_back_s["cut api->db:5432"] = NEVER
    outcome, _ = tried(system, step("cut"), step("reset")).outcomes
    assert (outcome.verdict, outcome.came_back) == (StepVerdict.broke, "never (20 s)")
    assert outcome.broke[0] == f"{LINK} has no connection"
    assert outcome.cleaned == "restarted api[1]"


def test_a_state_that_lasted_a_whole_wait_is_recognised_sooner_and_said_to_be_the_same(
    system: SimulatedSystem,
) -> None:
    system.comes_back_s = {"cut api->db:5432": NEVER, "reset api->db:5432": NEVER}
    first, again = tried(system, step("cut"), step("reset")).outcomes
    assert (first.came_back, first.repeats) == ("never (20 s)", "")
    assert (again.came_back, again.repeats) == ("never (8 s)", "cut api->db:5432")
    assert again.what_broke == f"{LINK} has no connection, as after cut api->db:5432"


def test_a_link_that_comes_back_late_is_waited_for_though_another_step_left_it_silent(
    system: SimulatedSystem,
) -> None:
    system.comes_back_s = {"cut api->db:5432": NEVER, "reset api->db:5432": 7.0}
    again = tried(system, step("cut"), step("reset")).outcomes[1]
    assert again.verdict is StepVerdict.came_back


def test_a_state_for_which_the_machine_was_too_busy_is_none_that_lasted(system: SimulatedSystem) -> None:
    system.comes_back_s = {"cut api->db:5432": NEVER, "reset api->db:5432": NEVER}
    system.busy_because = "this machine was too busy"
    slower = system.look

    def some_bytes() -> SystemSample:
        found = slower()
        more = int(system.now * 300)
        flows = {
            name: FlowCounters(1, 1, one.to_server_bytes + more, one.to_client_bytes + more)
            for name, one in found.links.items()
        }
        return replace(found, links=flows)

    system.look = some_bytes  # type: ignore[method-assign]
    began_s = system.now
    first, again = tried(system, step("cut"), step("reset")).outcomes
    assert (first.verdict, again.verdict) == (StepVerdict.inconclusive, StepVerdict.inconclusive)
    assert again.note == first.note
    # Two whole waits, after a watch of 10 s.
    assert system.now - began_s > 50.0


def test_all_replicas_of_a_service_are_hit_as_one_and_their_new_lives_are_no_finding() -> None:
    system = SimulatedSystem(["api[1]->db:5432", "api[2]->db:5432"], ["api[1]", "api[2]", "db[1]"])

    def all_again(step: TrialStep) -> None:
        system.start_again_one("api[1]")
        system.start_again_one("api[2]")

    system.on_begin = all_again
    system.start_again_one = lambda name, again=system.start_again_one: (  # type: ignore[method-assign,misc]
        again(name) if name in system.containers else None
    )
    every = TrialStep(next(kind for kind in KINDS if kind.scope == ALL_REPLICAS), "api")
    one = step("kill", "api[2]")
    outcomes = tried(system, every, one).outcomes
    assert outcomes[0].broke == []
    assert outcomes[1].broke == ["api[1] ended and was started again by its restart policy"]


def test_the_step_after_one_that_broke_begins_with_a_clean_system(system: SimulatedSystem) -> None:
    system.comes_back_s["cut api->db:5432"] = NEVER
    outcomes = tried(system, step("cut"), step("reset")).outcomes
    assert [one.verdict for one in outcomes] == [StepVerdict.broke, StepVerdict.came_back]


def test_where_a_restart_does_not_help_the_whole_system_starts_again(system: SimulatedSystem) -> None:
    system.comes_back_s["cut api->db:5432"] = NEVER
    system.restart = lambda containers: None  # type: ignore[method-assign]
    outcomes = tried(system, step("cut"), step("reset")).outcomes
    assert outcomes[0].cleaned == "restarted api[1], then started the whole system again"
    assert outcomes[1].verdict is StepVerdict.came_back


def test_nothing_more_is_tried_on_a_system_that_does_not_come_back_at_all(system: SimulatedSystem) -> None:
    system.comes_back_s["cut api->db:5432"] = NEVER
    system.restart = lambda containers: None  # type: ignore[method-assign]
    system.start_again = lambda: None  # type: ignore[method-assign]
    result = tried(system, step("cut"), step("reset"))
    assert result.outcomes[1].verdict is StepVerdict.not_tried
    assert result.ended == "the system did not come back after a fresh start"


def test_a_container_that_ends_is_a_finding(system: SimulatedSystem) -> None:
    system.on_begin = lambda step: system.ends("api[1]")
    (outcome,) = tried(system, step("cut")).outcomes
    assert outcome.verdict is StepVerdict.broke
    assert outcome.broke[0] == "api[1] ended with 1"


def test_a_container_that_its_engine_starts_again_is_a_finding_that_came_back(
    system: SimulatedSystem,
) -> None:
    system.on_begin = lambda step: system.start_again_one("api[1]")
    (outcome,) = tried(system, step("cut")).outcomes
    assert outcome.verdict is StepVerdict.broke
    assert outcome.after_s is not None
    assert outcome.broke == ["api[1] ended and was started again by its restart policy"]


@pytest.mark.parametrize("fault", ["kill", "restart"])
def test_the_new_life_of_the_container_that_was_hit_is_no_finding(
    system: SimulatedSystem, fault: str
) -> None:
    (outcome,) = tried(system, step(fault, "db[1]")).outcomes
    assert outcome.verdict is StepVerdict.came_back


def test_a_second_new_life_of_the_container_that_was_hit_is_a_finding(system: SimulatedSystem) -> None:
    ended = system.end

    def end(step: TrialStep) -> None:
        system.look()
        system.start_again_one("db[1]")
        ended(step)

    system.end = end  # type: ignore[method-assign]
    (outcome,) = tried(system, step("kill", "db[1]")).outcomes
    assert outcome.broke == ["db[1] ended and was started again by its restart policy"]


def test_a_fault_without_proof_shows_nothing(system: SimulatedSystem) -> None:
    system.proof = FaultProof(False, "no probe saw it")
    (outcome,) = tried(system, step("cut")).outcomes
    assert (outcome.verdict, outcome.note) == (
        StepVerdict.inconclusive,
        "the fault is not proved: no probe saw it",
    )


def test_a_fault_that_cannot_begin_shows_nothing_and_is_ended(system: SimulatedSystem) -> None:
    system.refuses("The door does not answer.")
    (outcome,) = tried(system, step("cut")).outcomes
    assert (outcome.verdict, outcome.note) == (StepVerdict.inconclusive, "The door does not answer.")
    assert "end cut api->db:5432" in system.calls


def test_ctrl_c_ends_the_fault_that_is_on_and_keeps_what_was_found(system: SimulatedSystem) -> None:
    def stop(step: TrialStep) -> None:
        if step.kind.fault == "refuse":
            raise KeyboardInterrupt

    system.on_begin = stop
    result = TrialResult()
    limits = TrialLimits(system.now + 600.0, watch_s=10.0)
    conductor = Conductor(system, system, limits, lambda line: None, lambda outcome: None)
    baseline = conductor.watch()
    with pytest.raises(KeyboardInterrupt):
        conductor.try_steps(baseline, [step("cut"), step("refuse")], result)
    assert [one.step.name for one in result.outcomes] == ["cut api->db:5432"]
    assert system.calls[-1] == "end refuse api->db:5432 for 5s"


def test_a_step_for_which_no_time_is_left_is_not_tried_and_a_shorter_one_is(system: SimulatedSystem) -> None:
    outcomes = tried(system, step("stall"), step("cut"), budget_s=25.0).outcomes
    assert [one.verdict for one in outcomes] == [StepVerdict.not_tried, StepVerdict.came_back]


def test_a_step_that_the_budget_cuts_short_shows_nothing(system: SimulatedSystem) -> None:
    system.comes_back_s["cut api->db:5432"] = NEVER
    outcomes = tried(system, step("cut"), step("reset"), budget_s=20.0).outcomes
    assert [one.verdict for one in outcomes] == [StepVerdict.inconclusive, StepVerdict.not_tried]
    assert "time ran out" in outcomes[0].note


def test_the_trial_ends_within_its_budget_however_little_comes_back(system: SimulatedSystem) -> None:
    began_s = system.now
    steps = programme([PAIR_NAME], ["api[1]", "db[1]"])
    system.comes_back_s = {one.name: NEVER for one in steps}
    tried(system, *steps, budget_s=120.0)
    # The wait for a clean system after the last step is bounded by the budget too.
    assert system.now - began_s <= 125.0


def test_errors_in_logs_that_were_not_there_at_rest_are_kept(system: SimulatedSystem) -> None:
    system.lines = {"api[1]": ["error: cache miss 17"]}

    def log(step: TrialStep) -> None:
        system.lines = {"api[1]": ["error: cache miss 18", "error: no database\x1b[2J"]}

    system.on_begin = log
    (outcome,) = tried(system, step("cut")).outcomes
    assert [(one.container, one.line) for one in outcome.log_news] == [
        ("api[1]", "error: no database\\x1b[2J")
    ]


def test_connections_that_stay_half_closed_are_named(system: SimulatedSystem) -> None:
    system.closed = {"db[1]": 2}

    def leak(step: TrialStep) -> None:
        system.closed = {"db[1]": 5}

    system.on_begin = leak
    (outcome,) = tried(system, step("cut")).outcomes
    assert outcome.broke == ["db[1] holds 3 connections that its door has closed"]
    assert outcome.verdict is StepVerdict.came_back


def test_connections_that_stay_half_closed_are_of_the_step_that_left_them(system: SimulatedSystem) -> None:
    system.closed = {"db[1]": 0}

    def leak(step: TrialStep) -> None:
        system.closed = {"db[1]": 2}

    system.on_begin = leak
    outcomes = tried(system, step("cut"), step("reset")).outcomes
    assert [len(one.broke) for one in outcomes] == [1, 0]


def test_connections_that_are_only_being_closed_are_not_named(system: SimulatedSystem) -> None:
    looks = iter([set(), {"a", "b", "c"}, {"c", "d", "e"}])
    system.half_closed = lambda: {"db[1]": frozenset(next(looks))}  # type: ignore[method-assign]
    (outcome,) = tried(system, step("cut")).outcomes
    assert outcome.broke == ["db[1] holds 1 connection that its door has closed"]


def test_requests_that_are_neither_answered_nor_failed_are_a_finding(system: SimulatedSystem) -> None:
    looked = system.look

    def look():  # type: ignore[no-untyped-def]
        system.requests = RequestCounters(int((min(system.now, 111.0) - 100.0) * 20), 0)
        return looked()

    system.look = look  # type: ignore[method-assign]
    (outcome,) = tried(system, step("refuse")).outcomes
    assert outcome.broke == ["requests are not answered as before"]


def test_requests_that_fail_for_good_are_a_finding(system: SimulatedSystem) -> None:
    answered = failed = 0
    looked = system.look

    def look():  # type: ignore[no-untyped-def]
        nonlocal answered, failed
        if system.now < 111.0:
            answered = int((system.now - 100.0) * 20)
        else:
            failed = int((system.now - 111.0) * 20)
        system.requests = RequestCounters(answered, failed)
        return looked()

    system.look = look  # type: ignore[method-assign]
    outcome, _ = tried(system, step("refuse"), step("reset")).outcomes
    assert outcome.verdict is StepVerdict.broke
    assert outcome.broke[0] == "requests are not answered as before"
    assert outcome.cleaned == "started the whole system again"


def test_an_error_of_the_lab_is_raised_after_the_fault_has_ended(system: SimulatedSystem) -> None:
    looks = iter(range(10_000))
    looked = system.look

    def look():  # type: ignore[no-untyped-def]
        if next(looks) > 60:
            raise LabError("The engine is gone.")
        return looked()

    system.look = look  # type: ignore[method-assign]
    with pytest.raises(LabError, match="gone"):
        tried(system, step("stall"), step("cut"))
    assert any(one.startswith("end stall") for one in system.calls)


def test_the_first_round_of_the_programme_has_each_fault_once_and_hits_each_link() -> None:
    steps = programme(["a->b:1", "a->c:1"], ["b[1]"])
    kinds = [one.kind for one in steps[:9]]
    assert [one.name for one in steps[:3]] == ["cut a->b:1", "kill b[1] for 4s", "refuse a->c:1 for 5s"]
    assert kinds == [kind for kind in KINDS if kind.scope != ALL_REPLICAS]
    assert sum(1 for one in steps if one.kind.scope == PAIR) == 12


def test_what_is_outside_is_refused_and_never_cut_since_the_client_there_is_the_trials_own() -> None:
    steps = programme(["outside->b:1"], [])
    assert [one.kind.fault for one in steps] == ["refuse", "stall", "stall", "latency"]


def test_a_step_that_has_nothing_to_hit_is_not_tried_and_nothing_is_cleaned(system: SimulatedSystem) -> None:
    def nothing(step: TrialStep) -> None:
        raise NothingToHitError("no client of api->db:5432 runs")

    system.on_begin = nothing
    (outcome,) = tried(system, step("cut")).outcomes
    assert (outcome.verdict, outcome.note) == (StepVerdict.not_tried, "no client of api->db:5432 runs")
    assert (outcome.cleaned, system.calls) == ("", ["begin cut api->db:5432"])


def test_what_was_found_is_kept_whatever_is_raised(
    system: SimulatedSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(step: TrialStep) -> None:
        if step.kind.fault == "reset":
            raise ZeroDivisionError

    system.on_begin = fail
    limits = TrialLimits(system.now + 600.0, watch_s=10.0)
    progress = TrialProgress(lambda line: None, lambda baseline: None, lambda number, total, outcome: None)
    monkeypatch.setattr(run_trial, "MonotonicClock", lambda: system)
    result = conduct(system, limits, Choice(["cut", "reset"]), progress)
    assert [one.verdict for one in result.outcomes] == [StepVerdict.came_back]
    assert (result.ended, type(result.error)) == (
        "the trial itself failed with ZeroDivisionError",
        ZeroDivisionError,
    )


def test_a_link_that_is_too_silent_to_be_compared_is_not_hit_and_is_no_pass(system: SimulatedSystem) -> None:
    system.carries_from[LINK] = 109.0
    found = tried(system, step("cut"))
    (outcome,) = found.outcomes
    assert outcome.verdict is StepVerdict.not_tried
    assert outcome.note.startswith("it is silent for up to 9.2 s at rest")
    assert verdict(found.baseline, found.outcomes, "")[2] is ExitCode.INCONCLUSIVE
    assert system.calls == []


def test_the_programme_says_which_links_are_too_silent_and_how_many_steps_fit(
    system: SimulatedSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_trial, "MonotonicClock", lambda: system)
    system.carries_from[LINK] = 109.0
    lines: list[str] = []
    progress = TrialProgress(lines.append, lambda baseline: None, lambda number, total, outcome: None)
    conduct(system, TrialLimits(system.now + 60.0, watch_s=10.0), Choice(["cut"]), progress)
    assert any(line.strip().startswith(f"not tried: {PAIR_NAME}, since it is silent") for line in lines)


def test_an_estimate_names_the_first_step_that_does_not_fit() -> None:
    steps = [step("cut"), step("stall"), step("reset")]
    assert estimate(steps, 2.0, 10.0) == (
        "3 steps take 24 s or longer; 10 s are left: at most 1 fit, and the others will not be tried, "
        "from 'stall api->db:5432 for 18s' on. Give more --budget, or --only."
    )
    assert estimate(steps, 2.0, 60.0) == "3 steps take 24 s or longer; 1.0 min are left."
    assert estimate(steps[:1], 2.0, 60.0).startswith("1 step takes ")


@pytest.mark.parametrize("text", ["nothing", "cut api->dbx", "kill web"])
def test_a_text_that_no_step_can_contain_is_refused_before_anything_starts(text: str) -> None:
    with pytest.raises(UsageError, match="no step can contain"):
        refuse_unknown_words([text], ["api", "db"])


@pytest.mark.parametrize(
    "text", ["cut api->db", "stall api->db:5432 for 18s", "kill api[2]", "outside", "i->d"]
)
def test_a_text_that_a_step_may_contain_is_accepted(text: str) -> None:
    refuse_unknown_words([text], ["api", "db"])


def test_a_job_that_is_finished_is_not_hit_any_more() -> None:
    system = SimulatedSystem([LINK], ["api[1]", "db[1]", "seed[1]"])
    system.on_begin = lambda step: system.ends("seed[1]", 0)
    outcomes = tried(system, step("cut"), step("kill", "seed[1]")).outcomes
    assert [one.verdict for one in outcomes] == [StepVerdict.came_back, StepVerdict.not_tried]
    assert outcomes[1].note == "seed[1] ended with 0 before: its work is done"


def test_a_cut_that_meets_no_connection_is_repeated_once(system: SimulatedSystem) -> None:
    system.hits = [0, 1]
    (outcome,) = tried(system, step("cut")).outcomes
    assert outcome.verdict is StepVerdict.came_back
    assert system.calls.count("begin cut api->db:5432") == 2


def test_a_cut_that_meets_no_connection_twice_shows_nothing(system: SimulatedSystem) -> None:
    system.hits = [0]
    (outcome,) = tried(system, step("cut")).outcomes
    assert (outcome.verdict, outcome.note) == (
        StepVerdict.inconclusive,
        "no connection was open when it hit, nor when it hit again",
    )
    assert system.calls.count("begin cut api->db:5432") == 2


def test_a_fault_that_lasts_need_not_meet_a_connection(system: SimulatedSystem) -> None:
    system.hits = [0]
    assert tried(system, step("refuse")).outcomes[0].verdict is StepVerdict.came_back


@pytest.mark.parametrize("budget_s", [600.0, 40.0], ids=["no step follows", "none that fits"])
def test_nothing_is_cleaned_where_no_further_step_is_tried(system: SimulatedSystem, budget_s: float) -> None:
    system.comes_back_s["cut api->db:5432"] = NEVER
    after = [step("stall")] if budget_s < 600.0 else []
    outcomes = tried(system, step("cut"), *after, budget_s=budget_s).outcomes
    assert (outcomes[0].verdict, outcomes[0].cleaned) == (StepVerdict.broke, "")
    assert not any("start" in call for call in system.calls)


def test_a_chosen_pair_that_carried_nothing_at_rest_is_not_tried(system: SimulatedSystem) -> None:
    chosen = Choice(["cut"], links=["api->mail:25", PAIR_NAME])
    baseline = Conductor(system, system, TrialLimits(0.0), lambda _: None, lambda _: None).watch()
    steps = chosen.steps(baseline)
    outcomes = tried(system, *steps).outcomes
    assert [(one.step.target, one.note) for one in outcomes] == [
        ("api->mail:25", "it carried nothing at rest"),
        (PAIR_NAME, ""),
    ]
