"""Claims over reads, writes, counters and queues: each passes where it holds, and fails where it does not."""

from __future__ import annotations

from itertools import count

import pytest

from driver.claims import linearizability
from driver.claims.linearizability import RegisterOperation, linearizable
from driver.histories.intervals import FOREVER_NS
from tests.driver.claims.system_past import SystemPast

OWN = "reads of kv see own writes"
REGISTER = "register kv linearizable"
COUNTER = "counter level between acknowledged and attempted"


class Store(SystemPast):
    """Reads and writes of one key after another."""

    def write(self, value: object, at_s: float, outcome: str = "ok", **more: object) -> None:
        self.operation("x", outcome, at_s, load="kv", op="write", value=value, **more)  # type: ignore[arg-type]

    def read(self, value: object, at_s: float, outcome: str = "ok", **more: object) -> None:
        self.operation("x", outcome, at_s, load="kv", op="read", value=value, **more)  # type: ignore[arg-type]


# -- own writes
# ----------------------------------------------------------------------------------------------------


def test_a_read_of_the_own_write_passes_also_where_its_type_is_another() -> None:
    past = Store()
    past.write(1, 1.0)
    past.read("1", 2.0)
    assert past.found(OWN).status == "passed"


def test_a_read_of_an_older_value_fails() -> None:
    past = Store()
    past.fault("cut-1", "partition", 1.5, 2.0)
    past.write("old", 1.0)
    past.write("new", 2.0)
    past.read("old", 3.0)
    found = past.found(OWN)
    assert (found.status, found.measured) == ("failed", 1)
    assert "wrote 'new' to 'x' and then read 'old', at 3.0 s, while 'cut-1' was on" in found.because
    assert "op=write" in found.evidence[0].text


@pytest.mark.parametrize("value", [None, "never written"])
def test_a_read_of_nothing_or_of_what_was_never_written_fails(value: object) -> None:
    past = Store()
    past.write("new", 2.0)
    past.read(value, 3.0)
    past.read("new", 4.0)
    assert past.found(OWN).status == "failed"


def test_a_read_of_a_refused_write_fails() -> None:
    past = Store()
    past.write("new", 2.0)
    past.write("refused", 2.5, "fail")
    past.read("refused", 3.0)
    assert past.found(OWN).status == "failed"


def test_a_newer_write_of_another_process_may_be_read_and_an_older_one_not() -> None:
    for at_s, status in ((2.5, "passed"), (1.0, "failed")):
        past = Store()
        past.write("other", at_s, process=2)
        past.write("own", 2.0, process=1)
        past.read("other", 3.0, process=1)
        assert past.found(OWN).status == status


def test_an_older_unknown_write_may_have_come_late() -> None:
    past = Store()
    past.write("other", 1.0, "unknown", process=2)
    past.write("own", 2.0)
    past.read("other", 3.0)
    assert past.found(OWN).status == "passed"


def test_a_read_without_an_own_write_before_it_tests_nothing() -> None:
    past = Store()
    past.write("other", 1.0, process=2)
    past.read(None, 3.0, process=1)
    assert past.found(OWN).status == "unknown"


@pytest.mark.parametrize("sentence", [OWN, REGISTER])
def test_operations_that_neither_read_nor_write_are_named(sentence: str) -> None:
    past = Store()
    past.write(1, 1.0)
    past.read(1, 2.0)
    past.operation("x", load="kv", op="increment")
    found = past.found(sentence)
    assert found.status == "unknown"
    assert "'increment'" in found.because


@pytest.mark.parametrize("sentence", [OWN, REGISTER])
@pytest.mark.parametrize(("written", "read"), [(None, None), (1, None), (None, 1)])
def test_a_load_without_values_tests_nothing(sentence: str, written: object, read: object) -> None:
    past = Store()
    past.write(written, 1.0)
    past.read(read, 2.0)
    found = past.found(sentence)
    assert found.status == "unknown"
    assert "has a value: give the load `value:` and `read:`" in found.because


@pytest.mark.parametrize("sentence", [OWN, REGISTER])
def test_a_head_says_nothing_of_a_value(sentence: str) -> None:
    past = Store()
    past.operation("x", at_s=1.0, load="kv", op="PUT", value=1)
    past.operation("x", at_s=2.0, load="kv", op="HEAD")
    past.operation("x", at_s=3.0, load="kv", op="GET", value=1)
    assert past.found(sentence).status == "passed"


# -- a register
# ----------------------------------------------------------------------------------------------------


def test_reads_of_the_newest_write_are_linearizable() -> None:
    past = Store()
    past.read(None, 0.5)
    past.write(1, 1.0)
    past.read(1, 2.0)
    assert past.found(REGISTER).status == "passed"


def test_a_read_that_goes_back_is_not() -> None:
    past = Store()
    past.write(1, 1.0)
    past.write(2, 2.0)
    past.read(2, 3.0, process=1)
    past.read(1, 4.0, process=2)
    past.read(1, 5.0, process=2)
    found = past.found(REGISTER)
    assert (found.status, found.measured) == ("failed", 1)
    assert "of 'x' none fits once read '1' was answered, called at 4.0 s" in found.because
    assert found.evidence[0].where == "load.jsonl:4"


def test_overlapping_operations_may_be_in_either_order() -> None:
    past = Store()
    past.write(1, 1.0, took_s=3.0)
    past.read(None, 2.0, process=1)
    past.read(1, 3.0, process=2)
    assert past.found(REGISTER).status == "passed"


def test_a_write_that_is_unknown_may_take_effect_later_or_never() -> None:
    for value in (1, 2):
        past = Store()
        past.write(1, 1.0)
        past.write(2, 2.0, "unknown")
        past.read(1, 3.0)
        past.read(value, 4.0)
        assert past.found(REGISTER).status == "passed"


def test_a_write_that_was_refused_never_takes_effect() -> None:
    past = Store()
    past.write(1, 1.0)
    past.write(2, 2.0, "fail")
    past.read(2, 3.0)
    assert past.found(REGISTER).status == "failed"


def test_a_register_without_an_acknowledged_read_tests_nothing() -> None:
    past = Store()
    past.write(1, 1.0)
    past.read(7, 2.0, "unknown")
    assert past.found(REGISTER).status == "unknown"


def test_a_search_that_is_too_long_is_undecided() -> None:
    many = [RegisterOperation(True, str(n), 0, 100) for n in range(20)]
    late = [RegisterOperation(False, value, at, at + 1) for value, at in (("3", 200), ("5", 300))]
    assert linearizable([*many, *late], max_states=500) is None
    assert linearizable([*many, late[0]], max_states=500) is True
    assert linearizable([*many, RegisterOperation(False, "none", 200, 300)], max_states=500) is False


def test_an_answer_at_the_instant_of_another_call_may_be_before_or_after_it() -> None:
    write = RegisterOperation(True, "1", 0, 10)
    for value, at, expected in (("1", 10, True), (None, 10, True), (None, 11, False)):
        assert linearizable([write, RegisterOperation(False, value, at, 20)]) is expected


def test_many_unknown_writes_do_not_hinder_a_decision() -> None:
    instants = count(1)
    operations = []
    for number in range(60):
        at = next(instants) * 10
        operations.append(RegisterOperation(True, f"lost-{number}", at, FOREVER_NS))
        operations.append(RegisterOperation(True, str(number), at + 1, at + 4))
        operations.append(RegisterOperation(False, str(number), at + 5, at + 6))
    assert linearizable(operations) is True


def test_operations_one_after_another_are_placed_without_looking_ahead(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: object) -> bool:
        raise AssertionError("looked ahead without a choice")

    monkeypatch.setattr(linearizability, "_is_dead", refuse)
    operations = [
        RegisterOperation(number % 2 == 0, str(number // 2), 10 * number, 10 * number + 1)
        for number in range(8_000)
    ]
    assert linearizable(operations) is True
    assert linearizable([*operations, RegisterOperation(False, "1", 80_000, 80_001)]) is False


# -- a counter
# -----------------------------------------------------------------------------------------------------


def counted(end: float | None, *outcomes: str, begin: float | None = 10) -> SystemPast:
    """Operations that add 2, 3, 4, …, and the readings of a counter around them."""
    past = SystemPast()
    past.number("level", 0.5, begin, "before")
    for number, outcome in enumerate(outcomes):
        past.operation(f"k{number}", outcome, 2.0 + number, value=str(number + 2))
    past.number("level", 50.0, end, "after")
    return past


@pytest.mark.parametrize(
    ("end", "status", "measured", "threshold", "margin"),
    [(12, "passed", 2, 2, 0), (15, "passed", 5, 5, 0), (11, "failed", 1, 2, -1), (16, "failed", 6, 5, -1)],
)
def test_a_counter_is_between_what_was_acknowledged_and_what_was_attempted(
    end: float, status: str, measured: float, threshold: float, margin: float
) -> None:
    found = counted(end, "ok", "unknown", "fail").found(COUNTER)
    assert (found.status, found.measured, found.margin) == (status, measured, margin)
    assert found.threshold == threshold


def test_a_counter_is_exact() -> None:
    past = SystemPast()
    past.number("level", 0.5, 0, "before")
    for number in range(3):
        past.operation(f"k{number}", at_s=2.0 + number, value=0.1)
    past.number("level", 50.0, 0.3, "after")
    assert past.found(COUNTER).status == "passed"


@pytest.mark.parametrize(
    ("end", "status"), [(0.30000000000000004, "passed"), (0.2, "failed"), (0.300001, "failed")]
)
def test_a_counter_of_floats_may_be_off_by_their_rounding_and_no_more(end: float, status: str) -> None:
    past = SystemPast()
    past.number("level", 0.5, 0, "before")
    for number in range(3):
        past.operation(f"k{number}", at_s=2.0 + number, value=0.1)
    past.number("level", 50.0, end, "after")
    assert past.found(COUNTER).status == status


def test_a_counter_that_a_float_cannot_hold_is_unknown() -> None:
    past = SystemPast()
    past.number("level", 0.5, float(2**53), "before")
    past.operation("k0", at_s=2.0)
    past.number("level", 50.0, float(2**53 + 1), "after")
    found = past.found(COUNTER)
    assert found.status == "unknown"
    assert "too large to be exact" in found.because


def test_an_operation_without_a_number_adds_one_and_a_column_is_summed() -> None:
    past = SystemPast()
    past.table(["total"], [], 0.5, moment="before")
    for number in range(3):
        past.operation(f"k{number}", at_s=2.0 + number, value="cat")
    past.table(["total"], [[1], ["2"], [None]])
    assert past.found("counter stored.total between acknowledged and attempted of orders").status == "passed"


@pytest.mark.parametrize("past", [counted(None, "ok"), counted(12, "ok", begin=None), counted(12, "unknown")])
def test_a_counter_without_both_readings_or_without_an_acknowledgement_is_unknown(past: SystemPast) -> None:
    assert past.found(COUNTER).status == "unknown"


def test_what_overlaps_a_reading_may_be_in_it_or_not() -> None:
    for end in (12, 15):
        past = counted(end, "ok")
        past.operation("during", at_s=49.995, value=3, took_s=0.1)
        assert past.found(COUNTER).status == "passed"


# -- a queue
# -------------------------------------------------------------------------------------------------------


def jobs(*delivered: str, is_drained: bool = True) -> SystemPast:
    """Jobs a and b, acknowledged; c, unknown; d, refused. Then what dequeues returned."""
    past = SystemPast()
    for key, outcome in (("a", "ok"), ("b", "ok"), ("c", "unknown"), ("d", "fail")):
        past.operation(key, outcome, 1.0, load="jobs", op="enqueue")
    for number, key in enumerate(delivered):
        past.operation(key, "ok", 10.0 + number, load="jobs", op="dequeue")
    if is_drained:
        past.operation("", "ok", 40.0, load="jobs", op="dequeue")
    return past


@pytest.mark.parametrize(
    ("delivered", "least", "most", "exactly"),
    [
        ("ab", "passed", "passed", "passed"),
        ("abc", "passed", "passed", "passed"),
        ("a", "failed", "passed", "failed"),
        ("abb", "passed", "failed", "failed"),
        ("bad", "failed", "failed", "failed"),
        ("abx", "failed", "failed", "failed"),
        ("", "failed", "unknown", "failed"),
    ],
)
def test_each_message_is_delivered_as_often_as_it_may_be(
    delivered: str, least: str, most: str, exactly: str
) -> None:
    past = jobs(*delivered)
    assert past.found("queue jobs at least once").status == least
    assert past.found("queue jobs at most once").status == most
    assert past.found("queue jobs exactly once").status == exactly


def test_what_is_certainly_wrong_fails_also_where_nothing_was_acknowledged() -> None:
    past = SystemPast()
    past.operation("a", "fail", 1.0, load="jobs", op="enqueue")
    past.operation("", "ok", 40.0, load="jobs", op="dequeue")
    assert past.found("queue jobs at most once").status == "unknown"
    past.operation("a", "ok", 10.0, load="jobs", op="dequeue")
    assert past.found("queue jobs at most once").status == "failed"


def test_what_was_not_delivered_may_still_be_in_a_queue_that_was_not_drained() -> None:
    found = jobs("a", is_drained=False).found("queue jobs at least once")
    assert found.status == "unknown"
    assert "no dequeue found the queue empty" in found.because


def test_an_unknown_dequeue_may_have_taken_one_message_and_no_more() -> None:
    for open_ones in (1, 2):
        past = jobs("a")
        for number in range(open_ones):
            past.operation("", "unknown", 20.0 + number, load="jobs", op="dequeue")
        assert past.found("queue jobs exactly once").status == "unknown"
    past = jobs()
    past.operation("", "unknown", 20.0, load="jobs", op="dequeue")
    found = past.found("queue jobs exactly once")
    assert (found.status, found.measured) == ("failed", 1)


def test_a_message_that_arrives_before_it_was_sent_is_wrong() -> None:
    past = jobs("a", "b")
    past.operation("late", "ok", 30.0, load="jobs", op="enqueue")
    past.operation("late", "ok", 5.0, load="jobs", op="dequeue")
    assert past.found("queue jobs at least once").status == "failed"


def test_messages_can_be_delivered_into_a_table() -> None:
    past = SystemPast()
    for key in ("a", "b"):
        past.operation(key)
    past.ids("a", "b", "b")
    assert past.found("queue orders at least once in stored.id").status == "passed"
    found = past.found("queue orders exactly once in stored.id")
    assert (found.status, found.measured) == ("failed", 1)
    assert "1 delivered more than once: 'b'" in found.because


def test_messages_that_were_in_the_table_before_they_were_sent_show_nothing() -> None:
    past = SystemPast()
    past.ids("a", at_s=0.5, moment="before")
    for key in ("a", "b"):
        past.operation(key)
    past.ids("a", "b")
    found = past.found("queue orders at least once in stored.id")
    assert found.status == "unknown"
    assert "'a' was in stored.id before being sent" in found.because


def test_a_message_that_was_delivered_is_tested_also_where_another_dequeue_of_it_is_unknown() -> None:
    past = jobs("a", "b")
    for key in "ab":
        past.operation(key, "unknown", 20.0, load="jobs", op="dequeue")
    assert past.found("queue jobs at least once").status == "passed"
