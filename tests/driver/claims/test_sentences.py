"""Sentences: each form is read, and an error names the nearest words and the names that exist."""

from __future__ import annotations

import pytest

from driver.claims import CLAIMS, Claim, Names, parse_claim
from driver.scenarios.sections import names_of
from driver.scenarios.thresholds import parse_expectation

NAMES = Names(
    loads=("orders", "payments"),
    observations={"stored": ("id", "owner"), "queue": (), "later": None},
    faults=("cut-1", "partition"),
)


@pytest.mark.parametrize("kind", CLAIMS.values(), ids=lambda kind: kind.name)
def test_the_example_of_every_kind_is_one_of_that_kind(kind: type[Claim]) -> None:
    assert type(parse_claim(kind.example)) is kind
    assert type(parse_expectation(kind.example)) is kind


@pytest.mark.parametrize("kind", CLAIMS.values(), ids=lambda kind: kind.name)
def test_every_kind_says_what_it_means(kind: type[Claim]) -> None:
    assert kind.means.endswith(".")
    assert kind.fails


@pytest.mark.parametrize(
    ("sentence", "says"),
    [
        ("every acknowledge orders.key in stored.id", "expected 'acknowledged' where 'acknowledge' is"),
        ("every acknowledged orders in stored.id", "like orders.key; found 'orders'"),
        ("every acknowledged ordrs.key in stored.id", "it has orders, payments. Did you mean orders?"),
        ("every acknowledged orders.name in stored.id", "expected key or value of a load's operations"),
        ("every acknowledged orders.key in store.id", "Did you mean stored?"),
        ("no stored.idd twice", "stored has no column 'idd': it has id, owner. Did you mean id?"),
        ("no queue.id twice", "queue has no column 'id': it is one number"),
        ("no stored twice", "expected a column of an observation, like stored.id; found 'stored'"),
        ("every stored.id was sent by order", "'order' is no load of this scenario"),
        ("stored.id in order for each later.owner", "expected two columns of one observation"),
        ("counter queue between acknowledged and attempted", "the scenario has 2 loads"),
        ("queue orders exactly onec", "expected 'once' where 'onec' is"),
        ("during cut-2: queue == 0", "'cut-2' is no fault of this scenario: it has cut-1, partition"),
        ("always: queues < 5", "Did you mean queue?"),
        ("always: queue", "expected a comparison like 'queue == 0'"),
        ("always: queue < many", "expected a number"),
        ("always: queue < 5 apples", "no unit"),
        ("always: stored < 5", "stored is a table"),
        ("outside faults: connected <= 5s", "is no unit here"),
    ],
)
def test_an_error_says_what_was_expected_and_what_there_is(sentence: str, says: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        parse_claim(sentence, NAMES)
    assert says in str(caught.value)


@pytest.mark.parametrize(
    "text", ["nothing_lost", "p99 <= 5s", "hello world again", "within 5s of heal x > 1", ""]
)
def test_what_is_no_claim_is_left_to_others(text: str) -> None:
    assert parse_claim(text, NAMES) is None


def test_a_column_that_only_the_first_reading_can_show_is_taken() -> None:
    assert parse_claim("no later.anything twice", NAMES) is not None


def test_spaces_and_capitals_of_fixed_words_do_not_matter() -> None:
    claim = parse_claim("  No  stored.id   TWICE ", NAMES)
    assert claim is not None
    assert claim.text == "No stored.id TWICE"


def test_the_names_of_a_scenario_are_those_of_its_sections() -> None:
    data = {
        "system": "compose.yaml",
        "workload": {"votes": {"http": "GET http://web/"}, "audit": {"command": ["./x"]}},
        "observe": {"stored": {"sql": "…"}},
        "timeline": [{"sequence": [{"fault": "kill", "id": "k"}]}, {"fault": "cut"}],
    }
    names = names_of(data)
    assert (list(names.loads), dict(names.observations)) == (["votes", "audit"], {"stored": None})
    assert list(names.faults) == ["k", "kill", "cut"] or list(names.faults) == ["kill", "k", "cut"]
    assert list(names_of({**data, "workload": {"http": "GET http://web/"}}).loads) == ["load"]
    assert list(names_of({"workload": {"rate": "5/s"}}).loads) == []
