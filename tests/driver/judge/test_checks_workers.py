"""What is said of processes that take part and are of no plan, and of two under one name."""

from __future__ import annotations

from driver.checks.finding import Status
from tests.driver.judge.findings import found
from tests.driver.judge.histories import Past, small
from wire import events as wire

NAME = "only_planned_workers"


def joined(past: Past, worker: str, at_s: float, incarnation: str) -> None:
    """A process joins that may have written nothing itself."""
    past.emit("coordinator", wire.WorkerJoined, at_s, worker=worker, session=f"{worker}/{at_s}", epoch=1,
              outcome="fresh", because="", incarnation=incarnation)  # fmt: skip


def test_the_workers_of_the_plan_pass_with_all_their_lives() -> None:
    past = small()
    past.fault("kill-1", "kill", ["worker-1"], 8, 2)
    past.start("worker-1", 10)
    past.connect("worker-1", 10.5)
    finding = found(NAME, past)
    assert (finding.status, finding.because[:19]) == (Status.passed, "3 processes joined,")


def test_a_stranger_fails_the_run_with_the_count_of_its_results() -> None:
    past = small()
    joined(past, "worker-9", 3, "from outside")
    past.submit("t", 3.1)
    past.done("t", "worker-9", past.assign("t", "worker-9", 3.2), 3.3)
    finding = found(NAME, past)
    assert finding.status is Status.failed
    assert "worker-9" in finding.because
    assert "1 results are theirs" in finding.because
    assert finding.evidence


def test_a_stranger_that_wrote_a_journal_of_its_own_is_one_all_the_same() -> None:
    past = small()
    past.start("worker-9", 2.9)
    past.connect("worker-9", 3)
    assert found(NAME, past).status is Status.failed


def test_results_of_a_stranger_fail_the_run_even_if_no_line_says_that_it_joined() -> None:
    past = small()
    past.submit("t", 3.1)
    past.done("t", "worker-9", 99, 3.3)
    assert found(NAME, past).status is Status.failed


def test_a_twin_under_a_planned_name_fails_the_run_though_its_work_is_good() -> None:
    past = small()
    joined(past, "worker-1", 3, "from outside")
    past.run_task("t", "worker-1", 3.1)
    finding = found(NAME, past)
    assert finding.status is Status.failed
    assert "no container of that name started" in finding.because


def test_a_twin_cannot_explain_itself_in_the_journal_of_another_worker() -> None:
    past = small()
    joined(past, "worker-1", 3, "from outside")
    past.emit("worker-2", wire.ProcessStarted, 2.9, role="worker", incarnation="from outside", settings=b"{}")
    assert found(NAME, past).status is Status.failed


def test_where_a_worker_s_journal_has_a_gap_an_unexplained_process_is_unknown() -> None:
    past = small()
    joined(past, "worker-1", 3, "from outside")
    past.forget("worker-1", wire.ProcessStopping)
    assert found(NAME, past).status is Status.unknown


def test_a_stranger_that_was_refused_is_reported_and_spoils_nothing() -> None:
    past = small()
    past.emit("coordinator", wire.HandshakeRefused, 3, worker="worker-9", reason="stranger", detail="")
    finding = found(NAME, past)
    assert finding.status is Status.passed
    assert "1 handshakes of unplanned workers were refused" in finding.because


def test_where_no_worker_ever_joined_it_is_unknown() -> None:
    assert found(NAME, Past(1)).status is Status.unknown
