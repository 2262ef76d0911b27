"""Claims about the outside judge: it agrees with our checks, on what holds and on what is broken."""

from __future__ import annotations

import os

import pytest

from tests.outside_judge.agreement import Tally, agree
from tests.outside_judge.checker import build, judge
from tests.outside_judge.gather import AS_IT_WAS
from tests.outside_judge.operations import lines, operations
from tests.outside_judge.page import table
from tests.outside_judge.recording import as_history, record
from tests.outside_judge.system_agreement import agree_on_systems

SEEDS, DEFECT_SEEDS = 50, 250
DEFECTS = ("ack_before_commit", "store_not_replayed")


@pytest.fixture(scope="module")
def image() -> str:
    """The judge's image, built."""
    return build()


@pytest.fixture(scope="module")
def tally(image: str) -> Tally:
    """What both said of some hundred histories."""
    return agree(image, SEEDS, DEFECTS, DEFECT_SEEDS, os.cpu_count() or 1)


def test_both_say_the_same_of_every_history(tally: Tally) -> None:
    assert tally.histories >= 250
    assert not tally.differing, "\n".join(tally.differing[:3])


def test_both_see_nothing_wrong_in_the_code_that_ships(tally: Tally) -> None:
    assert tally.count(AS_IT_WAS, ours=False, theirs=False) == SEEDS


def test_both_see_the_defects_and_what_was_taken_from_a_history(tally: Tally) -> None:
    for kind in (*(f"defect {name}" for name in DEFECTS), "result_forgotten", "stale_token_counts"):
        assert tally.count(kind, ours=True, theirs=True), f"{kind}:\n{table(tally)}"


@pytest.fixture(scope="module")
def systems(image: str) -> Tally:
    """What both said of some hundred registers and queues."""
    return agree_on_systems(image, 700, os.cpu_count() or 1)


def test_claims_and_porcupine_say_the_same_of_every_register_and_queue(systems: Tally) -> None:
    assert systems.histories >= 700
    assert not systems.differing, "\n".join(systems.differing[:3])


def test_both_see_nothing_wrong_in_a_register_or_queue_as_it_was_and_much_in_others(systems: Tally) -> None:
    for kind in systems.kinds():
        broken = systems.count(kind, ours=True, theirs=True)
        sound = AS_IT_WAS in kind or "answer lost" in kind or kind == "queue at most once: message lost"
        assert (broken == 0) == sound, table(systems)


def test_an_exported_history_has_an_end_for_every_task(image: str) -> None:
    found = operations(as_history(record(3)))
    tasks = {operation.task for operation in found if operation.op == "submit"}
    assert tasks
    assert {operation.task for operation in found if operation.op == "end"} == tasks
    (answer,) = judge(image, [lines("seed 3", found)])
    assert (answer.verdict, answer.operations) == ("linearizable", len(found))
