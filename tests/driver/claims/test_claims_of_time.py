"""Claims over time: each holds a comparison in its own part of a run, and in no other."""

from __future__ import annotations

import pytest

from driver.claims import Names, claim_with_reservations, judge_claim, parse_claim, time_windows
from driver.histories.history import Damage, History
from driver.histories.link_events import CLIENT
from driver.histories.system_events import Operation
from driver.histories.system_history import with_links
from driver.metrics.metric import Better, Metric, MetricFamily, Unit, Values
from tests.driver.claims.system_past import SystemPast
from tests.driver.judge.door_journal import PROCESS, DoorPast
from wire.events import ProcessStopping

ALWAYS, OUTSIDE, DURING = "always: queue < 10", "outside faults: queue < 10", "during cut-1: queue < 10"


def readings(*values: tuple[float, float | None]) -> SystemPast:
    """Readings of `queue` at these seconds; a fault is on from 10 to 20 s."""
    past = SystemPast()
    past.fault("cut-1", "partition", 10.0, 10.0)
    for at_s, number in values:
        past.number("queue", at_s, number)
    return past


@pytest.mark.parametrize(
    ("at_s", "always", "outside", "during"),
    [(5.0, "failed", "failed", "passed"), (15.0, "failed", "passed", "failed"),
     (25.0, "failed", "failed", "passed"), (9.995, "failed", "passed", "passed")],
)  # fmt: skip
def test_a_bad_reading_fails_the_sentences_in_whose_time_it_is(
    at_s: float, always: str, outside: str, during: str
) -> None:
    past = readings((4.0, 1), (14.0, 2), (at_s, 11), (30.0, 9))
    found = past.found(ALWAYS)
    assert (found.status, found.measured, found.threshold, found.margin) == (always, 11, 10, -1)
    assert past.found(OUTSIDE).status == outside
    assert past.found(DURING).status == during


def test_a_good_run_passes_with_its_worst_value() -> None:
    past = readings((4.0, 1), (14.0, 7), (30.0, 9))
    assert [past.found(one).measured for one in (ALWAYS, OUTSIDE, DURING)] == [9, 9, 7]
    assert [past.found(one).status for one in (ALWAYS, OUTSIDE, DURING)] == ["passed"] * 3


def test_a_failed_reading_outside_of_faults_is_unknown_and_one_in_a_fault_is_counted_apart() -> None:
    past = readings((4.0, 1), (14.0, 7), (15.0, None))
    found = past.found(ALWAYS)
    assert found.status == "passed"
    assert "1 reading unknown" in found.because
    past = readings((4.0, 1), (14.0, 7), (25.0, None))
    assert past.found(ALWAYS).status == "unknown"
    assert past.found(OUTSIDE).status == "unknown"
    assert past.found(DURING).status == "passed"


def test_a_bad_value_fails_however_many_are_unknown() -> None:
    past = readings((4.0, 11), (25.0, None))
    assert past.found(ALWAYS).status == "failed"


def test_each_time_of_a_fault_needs_a_known_reading() -> None:
    past = readings((14.0, 1), (32.0, None))
    past.fault("cut-2", "partition", 30.0, 5.0)
    assert past.found("during cut-1: queue < 10").status == "passed"
    found = past.found("during partition: queue < 10")
    assert found.status == "unknown"
    assert "began at 30.0 s" in found.because


def test_a_fault_that_never_began_leaves_nothing_to_judge() -> None:
    found = readings((14.0, 1)).found("during kill: queue < 10")
    assert found.status == "unknown"
    assert "no fault kill began" in found.because


def test_without_any_known_reading_the_finding_is_unknown() -> None:
    assert SystemPast().found(ALWAYS).status == "unknown"
    found = readings((4.0, None)).found(ALWAYS)
    assert found.status == "unknown"
    assert "connection refused" in found.because


def test_a_table_is_no_number() -> None:
    past = SystemPast()
    past.table(["id"], [[1]], name="queue", moment="during")
    found = past.found(ALWAYS)
    assert found.status == "unknown"
    assert "it is a table" in found.because


@pytest.mark.parametrize(
    ("quantity", "value"), [("500MB", 5e8), ("90%", 0.9), ("250ms", 0.25), ("7", 7), ("3/s", 3)]
)
def test_the_value_of_an_observation_may_have_any_unit(quantity: str, value: float) -> None:
    past = SystemPast()
    past.number("queue", 4.0, value)
    found = past.found(f"always: queue <= {quantity}")
    assert (found.status, found.margin) == ("passed", 0)
    assert past.found(f"always: queue < {quantity}").status == "failed"


# -- metrics of operations
# ------------------------------------------------------------------------------------------

METRICS = (
    Metric("share_ok", Unit.ratio, Better.higher, "acknowledged operations ÷ operations"),
    Metric("took_max_s", Unit.seconds, Better.lower, "longest time of an operation", "max"),
    Metric("rate_per_s", Unit.per_second, Better.higher, "acknowledged operations ÷ seconds"),
    Metric("pause_max_s", Unit.seconds, Better.lower, "longest time between two operations"),
)


def measured(history: History) -> Values:
    """The values of METRICS."""
    operations = history.of(Operation)
    return {
        "share_ok": sum(one.outcome == "ok" for one in operations) / len(operations),
        "took_max_s": max((one.return_ns - one.call_ns) / 1e9 for one in operations),
    }


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> SystemPast:
    """Operations before, across, in and after a fault, with metrics that are measured of them."""
    family = MetricFamily("Operations", METRICS, measured, of_operations=True)
    monkeypatch.setattr(time_windows, "FAMILIES", (family,))
    past = readings()
    for at_s, outcome, took_s in (
        (2.0, "ok", 1.0), (9.5, "ok", 3.0), (12.0, "unknown", 2.0), (19.0, "ok", 4.0), (30.0, "ok", 0.5),
    ):  # fmt: skip
        past.operation(f"k{at_s}", outcome, at_s, took_s=took_s)
    return past


@pytest.mark.parametrize(
    ("sentence", "status", "measure"),
    [
        ("always: took_max <= 4s", "passed", 4.0),
        ("outside faults: took_max < 1s", "failed", 1.0),
        ("outside faults: share_ok >= 100%", "passed", 1.0),
        ("during cut-1: share_ok >= 50%", "passed", 0.5),
        ("during partition: share_ok > 50%", "failed", 0.5),
        ("during cut-1: took_max_s <= 4", "passed", 4.0),
    ],
)
def test_a_metric_is_measured_of_the_operations_of_its_time_alone(
    loads: SystemPast, sentence: str, status: str, measure: float
) -> None:
    found = loads.found(sentence)
    assert found.status == status
    assert found.measured == pytest.approx(measure)


@pytest.mark.parametrize("name", ["rate_per_s", "pause_max"])
def test_what_has_no_value_in_part_of_a_run_is_refused(loads: SystemPast, name: str) -> None:
    with pytest.raises(ValueError, match="expected share_ok, took_max"):
        parse_claim(f"outside faults: {name} > 1", Names())


@pytest.mark.usefixtures("loads")
def test_a_metric_of_no_operation_is_unknown() -> None:
    found = readings((5.0, 1)).found("during cut-1: share_ok >= 50%")
    assert found.status == "unknown"
    assert "0 operations during cut-1: share_ok has no value" in found.because


def test_each_time_of_a_fault_needs_an_operation(loads: SystemPast) -> None:
    loads.fault("cut-2", "partition", 40.0, 5.0)
    found = loads.found("during partition: share_ok >= 50%")
    assert found.status == "unknown"
    assert "no operation was called in the time of partition that began at 40.0 s" in found.because
    assert loads.found("during partition: share_ok > 50%").status == "failed"
    assert loads.found("during cut-1: share_ok >= 50%").status == "passed"


def test_an_equal_value_is_measured_by_its_distance() -> None:
    past = readings((4.0, 2), (5.0, -3), (6.0, 0))
    found = past.found("always: queue == 0")
    assert (found.status, found.measured, found.margin) == ("failed", -3, -3)


def test_a_sentence_about_time_is_parsed_without_spaces_too() -> None:
    claim = parse_claim("always:queue<10")
    assert claim is not None
    assert readings((4.0, 11)).found("always:queue<10").status == "failed"


def test_the_metrics_of_loads_are_measured_in_part_of_a_run() -> None:
    past = readings()
    for at_s, outcome, took_s in ((2.0, "ok", 0.2), (12.0, "unknown", 5.0), (13.0, "ok", 2.0)):
        past.operation(f"k{at_s}", outcome, at_s, took_s=took_s)
    assert past.found("outside faults: latency_p99 <= 1s").measured == pytest.approx(0.2)
    assert past.found("always: latency_p99 <= 1s").status == "failed"
    assert past.found("during cut-1: ok_share >= 90%").measured == pytest.approx(0.5)


# -- signals
# ------------------------------------------------------------------------------------------


def steady(refused: range = range(0)) -> SystemPast:
    """Ten operations a second from 2 s to 30 s of a run of 60 s; those of some seconds are refused."""
    past = SystemPast()
    past.fault("cut-1", "partition", 10.0, 10.0)
    for number in range(20, 300):
        past.operation(f"k{number}", "fail" if number // 10 in refused else "ok", number / 10)
    return past


def test_a_signal_of_operations_is_judged_while_their_load_lasts() -> None:
    for sentence in ("always: ok_per_s >= 1", "always: unknown_share < 50%", "outside faults: ok_per_s >= 5"):
        assert steady().found(sentence).status == "passed", sentence
    assert steady(range(12, 15)).found("always: ok_per_s >= 1").status == "failed"
    assert steady(range(12, 15)).found("during cut-1: ok_per_s >= 1").status == "failed"
    assert steady(range(12, 15)).found("outside faults: ok_per_s >= 1").status == "passed"


def test_a_signal_of_operations_without_a_load_is_unknown() -> None:
    assert SystemPast().found("always: ok_per_s >= 1").status == "unknown"


def test_a_signal_of_links_needs_the_journals_of_all_doors() -> None:
    past = DoorPast()
    past.named()
    past.phase("collect", 29.0, 30.0)
    past.emit("driver", ProcessStopping, 30.5, reason="end")
    past.carried(5.0, 20.0, CLIENT)
    past.emit(past.process, ProcessStopping, 30.0, reason="SIGTERM")
    history = with_links(past.history([]), ["api[1]", "db[1]"])
    claim = parse_claim("always: connected >= 50%")
    assert claim is not None
    finding = judge_claim(claim, history)
    assert (finding.status, claim_with_reservations(claim, history, finding).status) == ("failed", "failed")
    history.damage.append(Damage(PROCESS, "hole", 3, "3 lines are missing"))
    whole = History(history.journals, damage=history.damage, clients=history.clients, containers=["api[1]"])
    assert claim_with_reservations(claim, whole, finding).status == "unknown"
