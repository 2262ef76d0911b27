"""Every kind of claim passes on a run of a foreign system, and a control turns it red there."""

from __future__ import annotations

import pytest

from driver.checks.finding import Status, passed
from driver.claims import CLAIMS
from driver.claims.claim import Claim
from driver.controls import with_reds
from driver.controls.reds import red_of
from driver.histories.history import History
from driver.judging.expectations import Question, questions
from driver.metrics import measure_on_demand
from driver.scenarios.thresholds import parse_expectations
from tests.driver.claims.system_past import SystemPast

SENTENCES = (
    "every acknowledged orders.key in stored.id",
    "no stored.id twice",
    "every stored.id was sent",
    "every stored.id was sent by orders",
    "stored.seq in order for each stored.who",
    "reads of kv see own writes",
    "register kv linearizable",
    "counter sum.total between acknowledged and attempted of orders",
    "counter hits between acknowledged and attempted of orders",
    "queue jobs at least once",
    "queue jobs at most once",
    "queue jobs exactly once",
    "queue orders exactly once in stored.id",
    "always: depth <= 50",
    "outside faults: depth <= 20",
    "during partition: depth <= 50",
    "during f-1: depth >= 1",
    "outside faults: latency_p99 <= 1s",
    "during partition: ok_share >= 90%",
)


def run() -> History:
    """Orders that are all stored once, a key-value store, a queue that is drained, and a depth that falls."""
    past = SystemPast()
    past.fault("f-1", "partition", 10.0, 10.0)
    for number in range(40):
        past.operation(f"order-{number}", at_s=2.0 + number, value=1)
    rows = [[f"order-{number}", number, "web" if number % 2 else "app"] for number in range(40)]
    past.table(["id", "seq", "who"], [], 1.0, moment="before")
    past.table(["id", "seq", "who"], rows)
    past.table(["total"], [[0]], 1.0, name="sum", moment="before")
    past.table(["total"], [[40]], name="sum")
    past.number("hits", 1.0, 0, "before")
    past.number("hits", 50.0, 40, "after")
    for number in range(6):
        past.operation("x", at_s=3.0 + number * 4, load="kv", op="write", value=f"v-{number}")
        past.operation("x", at_s=4.0 + number * 4, load="kv", op="read", value=f"v-{number}")
        past.operation(f"job-{number}", at_s=3.0 + number, load="jobs", op="enqueue")
        past.operation(f"job-{number}", at_s=20.0 + number, load="jobs", op="dequeue")
    past.operation("", at_s=30.0, load="jobs", op="dequeue")
    past.number("depth", 1.0, 0, "before")
    for second in range(2, 45):
        past.number("depth", second, 30 if 11 <= second < 20 else 0 if second > 24 else 8)
    past.number("depth", 50.0, 0, "after")
    return past.history()


def asked(sentence: str, on_system: bool = False) -> Question:
    parsed = parse_expectations([sentence], on_system=on_system)
    [found] = [one for one in questions(parsed) if one.name == sentence]
    return found


def test_every_kind_of_claim_has_a_sentence_here() -> None:
    kinds = {type(one).name for one in parse_expectations(SENTENCES) if isinstance(one, Claim)}
    assert kinds == set(CLAIMS)


@pytest.mark.parametrize("sentence", SENTENCES)
def test_a_claim_that_passes_is_turned_red(sentence: str) -> None:
    history, question = run(), asked(sentence)
    found = question.alone(history, measure_on_demand(history))
    assert found.status is Status.passed, found.because
    red = red_of(history, question)
    assert red is not None
    assert red.control != "events_forgotten", red


@pytest.mark.parametrize("sentence", SENTENCES)
def test_a_claim_that_always_passes_is_found_out(sentence: str) -> None:
    blind = Question(sentence, lambda *_: passed(sentence, "all is well"), lambda _, found: found)
    [found] = with_reds(run(), [blind], [passed(sentence, "all is well")])
    assert found.status is Status.unknown
    assert "no change of this history makes it fail" in found.because


def test_the_red_of_a_lost_key_names_the_key() -> None:
    red = red_of(run(), asked("every acknowledged orders.key in stored.id"))
    assert red is not None
    assert red.change == "order-39 forgotten in stored"


@pytest.mark.parametrize("sentence", ["always: depth >= 0", "depth_min >= 0"])
def test_what_no_run_can_break_is_shown_by_none(sentence: str) -> None:
    history, question = run(), asked(sentence, on_system=True)
    found = question.alone(history, measure_on_demand(history))
    assert found.status is Status.passed, found.because
    [shown] = with_reds(history, [question], [found])
    assert shown.status is Status.unknown
    assert "no change of this history makes it fail" in shown.because


def test_a_number_that_was_below_0_may_be_far_below() -> None:
    past = SystemPast()
    for second in range(40):
        past.number("balance", second, -second)
    red = red_of(past.history(), asked("always: balance >= -50"))
    assert red is not None
    assert red.change.endswith("of balance smaller by 1,000,000,000,000")


@pytest.mark.parametrize(("bound_s", "is_red"), [(60, True), (105, True), (120, False)])
def test_an_operation_takes_longer_by_a_time_that_the_run_is_measured_by(bound_s: int, is_red: bool) -> None:
    past = SystemPast(end_s=70.0)
    for number in range(40):
        past.operation(f"order-{number}", at_s=2.0 + number, took_s=10.0)
    red = red_of(past.history(), asked(f"latency_max <= {bound_s}s"))
    assert (red is not None) is is_red
