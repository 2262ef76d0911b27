"""Claims over keys: each passes where it holds, fails where not, and is unknown where nothing shows it."""

from __future__ import annotations

import pytest

from tests.driver.claims.system_past import SystemPast

EVERY = "every acknowledged orders.key in stored.id"
SENT = "every stored.id was sent"
TWICE = "no stored.id twice"
ORDER = "stored.seq in order for each stored.key"


def orders(*outcomes: str) -> SystemPast:
    """Operations k0, k1, … with these outcomes, one a second, and two faults around the third."""
    past = SystemPast()
    past.fault("cut-1", "partition", 2.5, 1.0)
    for number, outcome in enumerate(outcomes):
        past.operation(f"k{number}", outcome, 1.0 + number)
    return past


def test_acknowledged_keys_that_are_there_pass() -> None:
    past = orders("ok", "ok", "ok")
    past.ids("k0", "k1", "k2")
    found = past.found(EVERY)
    assert (found.status, found.measured, found.margin) == ("passed", 0, 0)


def test_an_acknowledged_key_that_is_not_there_is_lost_with_its_operation_and_its_fault() -> None:
    past = orders("ok", "ok", "ok")
    past.ids("k0", "k1")
    found = past.found(EVERY)
    assert (found.status, found.measured, found.margin) == ("failed", 1, -1)
    assert "1 of 3 acknowledged orders.key are not in stored.id: 'k2'" in found.because
    assert "at 3.0 s, while 'cut-1' was on" in found.because
    assert "key=k2" in found.evidence[0].text
    assert found.evidence[0].where == "load.jsonl:3"
    assert "fault=cut-1" in found.evidence[1].text


def test_a_lost_key_of_quiet_time_is_shown_with_the_next_fault() -> None:
    past = orders("ok", "ok")
    past.ids("k1")
    found = past.found(EVERY)
    assert "while" not in found.because
    assert "fault=cut-1" in found.evidence[1].text


def test_a_line_of_a_log_that_has_the_key_is_evidence() -> None:
    past = orders("ok", "ok")
    past.table(["line"], [["starting"], ["worker 3 took k0"], ["stored k1"]], name="logs")
    past.ids("k1")
    assert any("worker 3 took k0" in one.text for one in past.found(EVERY).evidence)


def test_doubled_never_sent_unknown_and_refused_are_counted_apart_and_do_not_fail_it() -> None:
    past = orders("ok", "ok", "unknown", "unknown", "fail", "fail")
    past.ids("k0", "k0", "k1", "k2", "k4", "alien")
    found = past.found(EVERY)
    assert found.status == "passed"
    assert "1 doubled, 1 never sent, 2 unknown (1 of them stored), 1 refused but stored" in found.because


def test_an_unknown_key_that_is_not_there_is_not_lost() -> None:
    past = orders("ok", "unknown")
    past.ids("k0")
    assert past.found(EVERY).status == "passed"


def test_without_an_acknowledged_operation_nothing_was_tested() -> None:
    past = orders("unknown", "fail")
    past.ids("k0")
    found = past.found(EVERY)
    assert found.status == "unknown"
    assert "nothing was tested" in found.because


def test_reads_and_dequeues_put_nothing_there() -> None:
    past = orders("ok")
    past.operation("k9", op="read")
    past.operation("k8", op="DEQUEUE")
    past.ids("k0")
    assert past.found(EVERY).status == "passed"


def test_an_operation_that_was_answered_after_the_final_reading_was_asked_for_is_unknown() -> None:
    past = orders("ok")
    past.operation("late", at_s=49.995, took_s=0.01)
    past.ids("k0", at_s=50.0)
    found = past.found(EVERY)
    assert found.status == "passed"
    assert "1 unknown" in found.because


def test_a_key_that_was_there_before_it_was_sent_shows_nothing() -> None:
    past = orders("ok", "ok")
    past.ids("k0", "k1", at_s=0.5, moment="before")
    past.ids("k0", "k1")
    found = past.found(EVERY)
    assert found.status == "unknown"
    assert "'k0', 'k1' were in stored.id before being sent: nothing was tested" in found.because
    past.ids("k0", at_s=51.0)
    assert past.found(EVERY).status == "failed"


def test_a_key_that_was_sent_before_the_first_reading_may_be_in_it() -> None:
    past = orders("ok", "ok")
    past.ids("k0", at_s=1.5, moment="before")
    past.ids("k0", "k1")
    assert past.found(EVERY).status == "passed"


def test_a_key_of_two_operations_is_an_error_and_no_verdict() -> None:
    past = orders("ok", "ok")
    past.operation("k1", "unknown", 8.0)
    past.ids("k0")
    found = past.found(EVERY)
    assert found.status == "unknown"
    assert "orders.key is not unique: 1 key of several operations ('k1')" in found.because


@pytest.mark.parametrize("sentence", [EVERY, SENT, TWICE, ORDER])
def test_without_a_known_final_reading_the_finding_is_unknown(sentence: str) -> None:
    past = orders("ok")
    past.ids("k0", at_s=10.0, moment="during")
    assert "was not read after the last fault" in past.found(sentence).because
    past.ids("k0", at_s=50.0)
    past.number("stored", 55.0, None, "after")
    found = past.found(sentence)
    assert found.status == "unknown"
    assert "connection refused" in found.because


def test_parts_of_a_reading_are_one_table() -> None:
    past = orders("ok", "ok")
    past.table(["id"], [["k0"]], part=1, parts=2)
    assert "1 of its 2 parts" in past.found(EVERY).because
    past.table(["id"], [["k1"]], part=2, parts=2)
    assert past.found(EVERY).status == "passed"


def test_a_column_that_is_not_there_is_named_with_those_that_are() -> None:
    past = orders("ok")
    past.table(["idd", "vote"], [["k0", 1]])
    found = past.found(EVERY)
    assert found.status == "unknown"
    assert "has no column 'id'; its columns: idd, vote. Did you mean idd?" in found.because


def test_values_are_compared_where_the_sentence_says_value() -> None:
    past = SystemPast()
    past.operation("a", value=7)
    past.operation("b", value="x")
    past.ids("7")
    found = past.found("every acknowledged orders.value in stored.id")
    assert (found.status, found.measured) == ("failed", 1)


def test_a_key_in_two_rows_is_doubled() -> None:
    past = orders("ok", "ok")
    past.ids("k0", "k1")
    assert past.found(TWICE).status == "passed"
    past = orders("ok", "ok")
    past.ids("k0", "k1", "k1", None, None)
    found = past.found(TWICE)
    assert (found.status, found.measured, found.margin) == ("failed", 1, -1)
    assert "'k1' is there 2 times" in found.because
    assert any("key=k1" in one.text for one in found.evidence)


def test_an_empty_table_tests_nothing() -> None:
    past = orders("ok")
    past.ids()
    assert past.found(TWICE).status == "unknown"
    assert past.found(SENT).status == "unknown"
    assert past.found(EVERY).status == "failed"


def test_a_key_that_was_never_sent_is_found() -> None:
    past = orders("ok", "unknown")
    past.ids("old", at_s=0.5, moment="before")
    past.ids("k0", "k1", "old")
    assert past.found(SENT).status == "passed"
    past.ids("k0", "alien", "old", at_s=52.0)
    found = past.found(SENT)
    assert (found.status, found.measured) == ("failed", 1)
    assert "1 were never sent: 'alien'" in found.because


def test_a_key_that_was_refused_and_is_there_is_found() -> None:
    past = orders("ok", "fail")
    past.ids("k0", "k1")
    found = past.found(SENT)
    assert (found.status, found.measured) == ("failed", 1)
    assert "1 were refused but stored: 'k1'" in found.because


def test_a_refusal_before_a_successful_try_is_none() -> None:
    past = orders("ok", "fail")
    past.operation("k1", "ok", 9.0)
    past.ids("k0", "k1")
    assert past.found(SENT).status == "passed"


def test_only_the_named_load_counts() -> None:
    past = orders("ok")
    past.operation("p", load="payments")
    past.ids("k0", "p")
    assert past.found(SENT).status == "passed"
    assert past.found("every stored.id was sent by orders").status == "failed"


def test_rows_that_fall_are_out_of_order() -> None:
    past = SystemPast()
    past.table(["key", "seq"], [["a", 1], ["b", 9], ["a", "2"], ["a", 2], ["a", 10], ["b", 9.5]])
    found = past.found(ORDER)
    assert found.status == "passed"
    assert "never falls in 4 steps of 2" in found.because
    past = SystemPast()
    past.table(["key", "seq"], [["a", 10], ["b", 1], ["a", 9]])
    found = past.found(ORDER)
    assert (found.status, found.measured) == ("failed", 1)
    assert "of 'a' from '10' (row 1) to '9' (row 3)" in found.because
    assert len(found.evidence) == 2


@pytest.mark.parametrize("odd", [None, float("nan"), True, "x"])
def test_what_cannot_be_compared_has_no_order(odd: object) -> None:
    past = SystemPast()
    past.table(["key", "seq"], [["a", 1], ["a", odd]])  # type: ignore[list-item]
    found = past.found(ORDER)
    assert found.status == "unknown"
    assert "cannot be put in order" in found.because


def test_texts_are_ordered_by_their_characters() -> None:
    past = SystemPast()
    past.table(["key", "seq"], [["a", "b"], ["a", "a"]])
    assert past.found(ORDER).status == "failed"


def test_each_key_has_places_of_its_own_sort() -> None:
    rows = [["a", "9"], ["a", "10"], ["b", "end"], ["b", "fin"]]
    past = SystemPast()
    past.table(["key", "seq"], rows)
    assert past.found(ORDER).status == "passed"
    past.table(["key", "seq"], [*rows, ["a", "end"]], 51.0)
    assert past.found(ORDER).status == "unknown"


def test_keys_that_are_all_different_have_no_order() -> None:
    past = SystemPast()
    past.table(["key", "seq"], [["a", 2], ["b", 1]])
    assert past.found(ORDER).status == "unknown"
