"""Claims about advice for a system of one's own: it is given where findings call for it, and cites them."""

from __future__ import annotations

import pytest

from driver.advice.catalogue import advise
from driver.checks.finding import Finding, Status
from driver.forensics.analysis import analyse
from driver.histories.history import History
from driver.histories.system_events import UNKNOWN as UNKNOWN_OUTCOME
from driver.histories.system_events import Operation
from driver.histories.system_history import with_links
from driver.metrics import measure
from driver.report.advice import Advice
from driver.report.forensics_section import forensics_section
from driver.report.subject_choice import subject_of
from tests.driver.judge.door_journal import LINK, DoorPast, side
from tests.driver.judge.histories import ns
from tests.driver.judge.test_link_history import cut

DOUBLED = Finding(
    check="no stored.id twice", status=Status.failed, because="7 of 9 stored.id; 'a' is there 2 times"
)
LOST = Finding(
    check="every acknowledged orders.key in stored.id",
    status=Status.failed,
    because="3 of 9 are not in stored.id",
)
UNKNOWN = Finding(check="converged_after_healing", status=Status.unknown, because="too busy")


def history(past: DoorPast) -> History:
    return with_links(past.history([]), ["api[1]", "db[1]"])


def given(past: DoorPast, *findings: Finding) -> dict[str, Advice]:
    of = history(past)
    return {one.name: one for one in advise(of, measure(of), findings)}


@pytest.mark.parametrize(
    ("finding", "name", "says"),
    [(DOUBLED, "idempotent_writes", "unique index"), (LOST, "acknowledge_after_write", "at least once")],
)
def test_a_failed_claim_has_its_advice_and_is_cited(finding: Finding, name: str, says: str) -> None:
    found = given(cut(), finding)
    assert list(found) == [name]
    assert says in found[name].change
    assert finding.check in found[name].because
    assert finding.because.partition(";")[0] in found[name].because


def test_a_claim_that_passed_calls_for_nothing() -> None:
    good = Finding(check=DOUBLED.check, status=Status.passed, because="each is there once")
    assert given(cut(), good) == {}


def test_a_link_that_never_came_back_is_named_with_when_it_was_lost() -> None:
    past = DoorPast()
    past.named()
    past.fault("cut", "cut", [LINK], 5.0, 0.01)
    past.carried(1.0, 5.005)
    past.phase("collect", 20.0, 21.0)
    because = given(past, UNKNOWN)["reconnect_links"].because
    assert (
        because == f"{LINK} lost its connection at 5.0 s under cut and has none at the end, after 0 attempts."
    )


def test_a_client_that_waits_for_good_is_to_have_a_time_limit() -> None:
    past = DoorPast()
    past.named()
    past.fault("stall", "stall", [LINK], 5.0, 3.0, cuts=False)
    number = past.opened(1.0)
    past.seen(7.0, number, side(1.1, 6.0), side(1.2, 4.9))
    past.phase("collect", 20.0, 21.0)
    assert "waited 14.0 s" in given(past, UNKNOWN)["time_limits"].because


def test_the_subject_of_a_system_gives_this_advice() -> None:
    of = history(cut())
    assert [one.name for one in subject_of(of).advise(of, measure(of), [DOUBLED])] == ["idempotent_writes"]


def test_nothing_of_the_reference_system_is_said_of_another_one() -> None:
    found = forensics_section(analyse(history(cut())))
    assert (found.what_if_says, found.what_if, found.front_says) == ("", (), "")
    assert found.policies is None or not {"slotted", "seed"} & {row[0] for row in found.policies.rows}
    assert not any("reference" in sentence for sentence in found.missing)


def test_operations_under_a_fault_that_nobody_answers_call_for_a_time_limit() -> None:
    past = cut()
    times = {"due_ns": ns(6.0), "call_ns": ns(6.0), "return_ns": ns(18.0)}
    past.emit(
        "load", Operation, 18.0, load="l", op="POST", key="k", value=None, outcome=UNKNOWN_OUTCOME, **times
    )
    assert "1 operation under a fault had no answer" in given(past, UNKNOWN)["time_limits"].because
    assert "after 12.0 s" in given(past, UNKNOWN)["time_limits"].because
