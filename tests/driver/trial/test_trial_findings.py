"""Claims about the sentences of a step: what broke, and what to change."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from driver.histories.link_names import pair_of, touches
from driver.trial.baseline import FlowBaseline, SystemBaseline
from driver.trial.link_recovery import LinkRecovery
from driver.trial.programme import KINDS, TrialStep
from driver.trial.recovery import SystemRecovery
from driver.trial.request_recovery import RequestRecovery
from driver.trial.samples import ContainerLook
from driver.trial.step_evidence import StepEvidence, touched
from driver.trial.step_outcome import StepOutcome, StepVerdict, outcome_of, with_records
from driver.trial.trial_records import DialledConnection, FaultProof, TrialRecords

LINK, OTHER = "api[1]->db:5432", "web[1]->api:80"
CUT = TrialStep(KINDS[0], "api->db:5432")
FLOW = FlowBaseline(100, 100, 0.1, 1, 0.5, 2.0, 50, 50)
AT_REST = SystemBaseline(20.0, {LINK: FLOW, OTHER: FLOW}, {})
BACK = LinkRecovery(0.5, 1.0, 1, False, 1)


def outcome(found: SystemRecovery, step: TrialStep = CUT, policy: str = "no") -> StepOutcome:
    containers = {"api[1]": ContainerLook("api", restart_policy=policy)}
    return outcome_of(
        StepEvidence(
            step=step,
            baseline=SystemBaseline(20.0, {LINK: FLOW, OTHER: FLOW}, containers),
            recovery=found,
            waited_s=20.0,
        )
    )


@pytest.mark.parametrize(
    ("one", "broke", "advice"),
    [
        (LinkRecovery(None, 0.0, 0, True, 0), "has no connection", "does not dial db:5432 again"),
        (LinkRecovery(None, 0.0, 9, True, 0), "has no connection", "does not stay connected"),
        (LinkRecovery(None, 0.0, 0, True, 1), "is connected and silent", "Set a time limit for reads"),
        (LinkRecovery(None, 0.3, 0, True, 1), "carries 30% of what it did", "less than before"),
    ],
    ids=["gone", "dialled in vain", "hung", "less"],
)
def test_a_link_that_does_not_come_back_has_a_clause_and_an_advice(
    one: LinkRecovery, broke: str, advice: str
) -> None:
    found = outcome(SystemRecovery({LINK: one}))
    assert (found.verdict, found.after_s, found.came_back) == (StepVerdict.broke, None, "never (20 s)")
    assert found.broke == [f"{LINK} {broke}"]
    assert advice in found.advice[0]


SLOWER = LinkRecovery(None, 0.6, 0, True, 1)
BUSY = "this machine was too busy: 40 processes wanted to run on 2 cores over 10 s"


def busy(links: dict[str, LinkRecovery]) -> StepOutcome:
    """The outcome where the machine was too busy."""
    at_rest = SystemBaseline(20.0, dict.fromkeys(links, FLOW), {})
    return outcome_of(
        StepEvidence(step=CUT, baseline=at_rest, recovery=SystemRecovery(links), waited_s=20.0, busy=BUSY)
    )


def test_a_link_that_carries_less_on_a_machine_that_is_too_busy_shows_nothing() -> None:
    found = busy({LINK: SLOWER, OTHER: BACK})
    assert (found.verdict, found.note) == (
        StepVerdict.inconclusive,
        f"links carry less than before, and {BUSY}",
    )


def test_a_link_without_a_connection_is_a_finding_however_busy_the_machine_is() -> None:
    found = busy({LINK: LinkRecovery(None, 0.0, 0, True, 0), OTHER: SLOWER})
    assert found.verdict is StepVerdict.broke
    assert found.broke == [f"{LINK} has no connection"]


@pytest.mark.parametrize(
    ("policy", "advice"), [("no", "nothing starts it again"), ("on-failure", "does not bring it back")]
)
def test_the_advice_for_a_container_that_ended_depends_on_its_restart_policy(
    policy: str, advice: str
) -> None:
    found = outcome(SystemRecovery({}, troubles={"api[1]": "ended with 1"}), policy=policy)
    assert advice in found.advice[0]


def test_a_client_that_ended_has_no_advice_for_its_links_too() -> None:
    dead = LinkRecovery(None, 0.0, 0, True, 0)
    found = outcome(SystemRecovery({LINK: dead}, troubles={"api[1]": "ended with 1"}))
    assert len(found.advice) == 1


def test_a_link_that_the_fault_did_not_hit_is_named_when_it_was_silent() -> None:
    missed = LinkRecovery(0.5, 1.0, 0, True, 1)
    found = outcome(SystemRecovery({LINK: missed, OTHER: missed}))
    assert (found.verdict, found.broke) == (StepVerdict.came_back, [f"no traffic meanwhile: {OTHER}"])


def test_requests_that_failed_are_counted() -> None:
    found = outcome(SystemRecovery({LINK: BACK}, requests=RequestRecovery(3, 40, 1.0)))
    assert found.broke == ["3 of 40 requests failed"]


@pytest.mark.parametrize(("times", "is_advised"), [(200, True), (20, False)], ids=["20/s", "2/s"])
def test_a_client_that_dials_without_a_wait_is_advised_to_wait(times: int, is_advised: bool) -> None:
    dialled = [DialledConnection(at_s) for at_s in (1.0, *(5.0 + n * 10 / times for n in range(times)), 99.0)]
    records = TrialRecords({CUT.name: FaultProof(True, "seen")}, {LINK: dialled})
    found = with_records(
        replace(outcome(SystemRecovery({LINK: BACK})), began_s=5.0, until_s=15.0), AT_REST, records
    )
    assert found.attempts == {LINK: times}
    advice = f"{pair_of(LINK)} is dialled too often: let it wait after each failure."
    assert found.advice == ([advice] if is_advised else [])
    assert found.broke == ([f"{LINK} is dialled 20 times a second"] if is_advised else [])


def test_replicas_that_dial_without_a_wait_are_advised_once() -> None:
    dialled = [DialledConnection(5.0 + n / 20) for n in range(200)]
    records = TrialRecords({CUT.name: FaultProof(True, "seen")}, {LINK: dialled, "api[2]->db:5432": dialled})
    step = replace(outcome(SystemRecovery({LINK: BACK})), began_s=5.0, until_s=15.0)
    assert len(with_records(step, AT_REST, records).advice) == 1


@pytest.mark.parametrize(
    ("one", "side"),
    [
        (DialledConnection(1.0, 6.0, 0.0), "server"),
        (DialledConnection(1.0, 0.0, 6.0), "client"),
        (DialledConnection(1.0, 6.0, 30.0), "server"),
        (DialledConnection(1.0, 6.0, 6.1), ""),
        (DialledConnection(1.0, 14.5, 0.0), ""),
        (DialledConnection(1.0, 2.0, 0.0), ""),
        (DialledConnection(1.0), ""),
    ],
    ids=["server", "client", "server for long", "both", "a moment only", "before the step", "open"],
)
def test_a_connection_that_ended_at_one_side_is_the_other_side_s_alone(
    one: DialledConnection, side: str
) -> None:
    records = TrialRecords({CUT.name: FaultProof(True, "seen")}, {LINK: [one]})
    step = replace(outcome(SystemRecovery({LINK: BACK})), began_s=5.0, until_s=15.0)
    clause = [f"{LINK}: the {side} alone still has 1 connection"] if side else []
    assert with_records(step, AT_REST, records).broke == clause


def test_a_link_whose_door_left_lines_out_has_no_connection_of_one_side_and_is_named() -> None:
    one = DialledConnection(1.0, 6.0, 0.0)
    records = TrialRecords({CUT.name: FaultProof(True, "seen")}, {LINK: [one]}, [LINK])
    step = replace(outcome(SystemRecovery({LINK: BACK})), began_s=5.0, until_s=15.0)
    found = with_records(step, AT_REST, records)
    note = f"connections of one side alone are not known of {LINK}, whose door left lines out"
    assert (found.broke, found.note) == ([], note)


def test_an_outcome_has_the_sentence_of_its_proof() -> None:
    records = TrialRecords({CUT.name: FaultProof(True, "FIN on the standing connection")})
    found = with_records(outcome(SystemRecovery({LINK: BACK})), AT_REST, records)
    assert (found.verdict, found.proof) == (StepVerdict.came_back, "FIN on the standing connection")


def test_a_fault_of_which_nothing_was_recorded_shows_nothing() -> None:
    found = with_records(outcome(SystemRecovery({LINK: BACK})), AT_REST, TrialRecords())
    assert found.verdict is StepVerdict.inconclusive


@pytest.mark.parametrize(
    ("link", "container", "touched"),
    [
        ("api[2]->db:5432", "api[2]", True),
        ("api[2]->db:5432", "api[1]", False),
        ("api[2]->db:5432", "db[1]", True),
        ("api[2]->db-old:5432", "db[1]", False),
        ("api[2]->db:5432", "api", True),
        ("api[2]->db:5432", "db", True),
        ("api-old[2]->db:5432", "api", False),
    ],
)
def test_a_container_touches_the_links_of_which_it_is_an_end(
    link: str, container: str, touched: bool
) -> None:
    assert touches(link, container) is touched


@pytest.mark.parametrize("step", [CUT, TrialStep(KINDS[1], "db[1]")], ids=["link", "container"])
def test_a_step_of_which_no_link_is_compared_shows_nothing_and_says_so(step: TrialStep) -> None:
    found = outcome(SystemRecovery({OTHER: BACK}), step)
    assert found.verdict is StepVerdict.inconclusive
    assert found.note.startswith("no link that it hit carries often enough")


def test_a_container_without_links_is_compared_by_itself() -> None:
    found = outcome(SystemRecovery({LINK: BACK}), TrialStep(KINDS[1], "mail[1]"))
    assert (found.verdict, found.note) == (StepVerdict.came_back, "")


def test_a_step_touches_the_containers_at_both_ends_of_what_it_hits() -> None:
    containers = {f"{name}[1]": ContainerLook(name) for name in ("api", "db", "web", "mail")}
    at_rest = SystemBaseline(20.0, {LINK: FLOW, OTHER: FLOW}, containers)
    assert touched(CUT, at_rest) == ["api[1]", "db[1]"]
    assert touched(TrialStep(KINDS[1], "api[1]"), at_rest) == ["api[1]", "db[1]", "web[1]"]


def test_a_link_of_which_nothing_was_asked_is_no_cause_where_another_is_not_back() -> None:
    dead = LinkRecovery(None, 0.0, 0, True, 0)
    found = outcome(SystemRecovery({LINK: dead, OTHER: replace(dead, idle=True)}))
    assert found.broke == [f"{LINK} has no connection", f"without work since: {OTHER}"]
    assert len(found.advice) == 1
    assert "db:5432" in found.advice[0]


def test_a_link_that_is_connected_and_silent_is_no_cause_where_one_that_was_hit_is_not_back() -> None:
    lost, silent = LinkRecovery(None, 0.0, 0, True, 0), LinkRecovery(None, 0.0, 0, True, 1)
    assert outcome(SystemRecovery({LINK: lost, OTHER: silent})).broke[1] == f"without work since: {OTHER}"
    assert outcome(SystemRecovery({LINK: silent, OTHER: lost})).broke == [
        f"{LINK} is connected and silent",
        f"{OTHER} has no connection",
    ]


def test_links_of_which_nothing_was_asked_are_named_where_no_other_is_not_back() -> None:
    found = outcome(SystemRecovery({LINK: LinkRecovery(None, 0.0, 0, True, 0, idle=True)}))
    assert found.broke == [f"{LINK} has no connection"]
    assert found.advice


def test_a_link_that_stopped_some_time_into_a_silence_and_until_its_end_is_named() -> None:
    stall = TrialStep(next(kind for kind in KINDS if kind.shows_waits), "api->db:5432")
    late = LinkRecovery(0.5, 1.0, 0, True, 1, stall.kind.for_s / 2 - 1, silent_at_heal_s=stall.kind.for_s / 3)
    assert outcome(SystemRecovery({LINK: late, OTHER: late}), stall).stopped == [OTHER]


@pytest.mark.parametrize(
    ("silent_s", "stopped"), [(18.0, [OTHER]), (4.0, [])], ids=["until it was healed", "a time limit"]
)
def test_a_link_that_stops_while_the_server_of_its_own_is_silent_is_named(
    silent_s: float, stopped: list[str]
) -> None:
    stall = TrialStep(next(kind for kind in KINDS if kind.shows_waits), "api->db:5432")
    missed = LinkRecovery(0.5, 1.0, 0, True, 1, silent_s)
    found = outcome(SystemRecovery({LINK: missed, OTHER: missed}), stall)
    assert (found.verdict, found.stopped) == (StepVerdict.came_back, stopped)
    assert "Set a time limit on its calls to db:5432" in found.stop_advice


def test_what_stops_behind_a_client_that_gets_no_answer_does_not_wait_for_it() -> None:
    stall = TrialStep(next(kind for kind in KINDS if kind.shows_waits), "web->api:80")
    missed = LinkRecovery(0.5, 1.0, 0, True, 1, 18.0)
    assert outcome(SystemRecovery({LINK: missed, OTHER: missed}), stall).stopped == []
