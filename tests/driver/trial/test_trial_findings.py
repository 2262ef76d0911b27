"""Claims about the sentences of a step: what broke, and what to change."""

from __future__ import annotations

import pytest

from driver.trial.baseline import FlowBaseline, SystemBaseline
from driver.trial.findings import FaultProof, StepEvidence, StepOutcome, StepVerdict, outcome_of, touches
from driver.trial.programme import KINDS, TrialStep
from driver.trial.recovery import LinkRecovery, RequestRecovery, SystemRecovery
from driver.trial.samples import ContainerLook

LINK, OTHER = "api[1]->db:5432", "web[1]->api:80"
CUT = TrialStep(KINDS[0], "api->db:5432")
FLOW = FlowBaseline(100, 100, 0.1, 1, 0.5, 2.0, 50, 50)
BACK = LinkRecovery(0.5, 1.0, 1, False, 1)


def outcome(found: SystemRecovery, step: TrialStep = CUT, policy: str = "no") -> StepOutcome:
    containers = {"api[1]": ContainerLook("api", restart_policy=policy)}
    return outcome_of(
        StepEvidence(
            step=step,
            baseline=SystemBaseline(20.0, {LINK: FLOW, OTHER: FLOW}, containers),
            recovery=found,
            proof=FaultProof(True, "observed"),
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


def test_a_client_that_dials_without_a_wait_is_advised_to_wait() -> None:
    found = outcome(SystemRecovery({LINK: LinkRecovery(0.5, 1.0, 2_000, False, 1)}))
    assert found.advice == [f"{LINK} is dialled 100 times a second: let it wait longer after each failure."]


@pytest.mark.parametrize(
    ("link", "container", "touched"),
    [
        ("api[2]->db:5432", "api[2]", True),
        ("api[2]->db:5432", "api[1]", False),
        ("api[2]->db:5432", "db[1]", True),
        ("api[2]->db-old:5432", "db[1]", False),
    ],
)
def test_a_container_touches_the_links_of_which_it_is_an_end(
    link: str, container: str, touched: bool
) -> None:
    assert touches(link, container) is touched
