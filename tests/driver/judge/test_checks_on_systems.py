"""Claims about the checks of a run of a foreign system, whose clients are links."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from driver.checks import ALWAYS, CHECKS, always_judged, run_check
from driver.checks.finding import Finding, Status
from driver.forensics.words import REFERENCE, SYSTEM, words_of
from driver.histories import events as driver
from driver.histories.history import History
from driver.histories.journal_gaps import gap_among
from driver.histories.link_events import CLIENT, CLOSED, DOOR, FIN, RST, LinesOmitted
from driver.histories.system_events import LoadEnded, Operation
from driver.histories.system_history import with_links
from driver.metrics import METRICS, SYSTEM_METRICS, measure
from tests.driver.judge.door_journal import LINK, PROCESS, RAW, DoorPast, side
from tests.driver.judge.histories import ns, small

CONTAINERS = ["api[1]", "db[1]"]


def history(past: DoorPast) -> History:
    return with_links(past.history([]), CONTAINERS)


def found(name: str, past: DoorPast, **params: float) -> Finding:
    """What one check finds in the past of a foreign system."""
    of = history(past)
    return run_check(CHECKS[name], of, measure(of), params)


def cut(until_s: float = 20.0) -> DoorPast:
    """A fault from 5 s to 8 s on the only link, which carries traffic before, and from 8.5 s on."""
    past = DoorPast()
    past.named()
    past.fault("cut", "refuse", [LINK], 5.0, 3.0)
    past.carried(1.0, 5.001)
    past.failed(6.0)
    past.carried(8.5, until_s, CLIENT)
    return past


def state(past: DoorPast, container: str, status: str, exit_code: int) -> None:
    past.emit(
        "driver", driver.FinalContainerState, 29.0, container=container, status=status, exit_code=exit_code,
        out_of_memory=False,
    )  # fmt: skip


def ran(past: DoorPast, container: str) -> None:
    past.emit(
        "driver", driver.ContainerChange, 0.5, container=container, asked_ns=0, status="running",
        exit_code=-1, out_of_memory=False, plugged=True, cpus=None, memory_bytes=0,
    )  # fmt: skip


def test_links_are_the_clients_and_their_evidence_names_the_door_s_journal() -> None:
    of = history(cut())
    assert list(of.clients) == [LINK]
    event = of.by(LINK)[0]
    assert str(of.where(event)) == f"{PROCESS}.jsonl"
    assert [read.name for read in of.files] == sorted(["driver", PROCESS])


def test_a_fault_that_met_no_traffic_proves_nothing() -> None:
    assert found("traffic_flowed", cut()).status is Status.passed
    past = cut()
    past.fault("other", "refuse", ["web[1]->db:5432"], 12.0, 1.0)
    finding = found("traffic_flowed", past)
    assert finding.status is Status.unknown
    assert "other (refuse on web[1]->db:5432) met no traffic" in finding.because


def test_a_container_s_fault_meets_the_traffic_of_the_links_at_its_ends() -> None:
    past = cut()
    past.fault("killed", "kill", ["db[1]"], 12.0, 1.0)
    assert found("traffic_flowed", past).status is Status.passed


def test_without_traffic_before_the_first_fault_nothing_is_shown() -> None:
    past = DoorPast()
    past.named()
    past.fault("cut", "refuse", [LINK], 5.0, 3.0)
    past.carried(8.5, 20.0, CLIENT)
    assert "no link carried traffic before the first fault" in found("traffic_flowed", past).because


def test_a_link_that_is_asked_for_in_vain_has_not_converged() -> None:
    past = DoorPast()
    past.named()
    past.fault("cut", "refuse", [LINK], 5.0, 3.0)
    past.carried(1.0, 5.001)
    past.failed(9.0)
    past.phase("collect", 30.0, 31.0)
    finding = found("converged_after_healing", past)
    assert (finding.status, finding.because) == (
        Status.failed, f"1 of 1 links carried nothing again: {LINK}",
    )  # fmt: skip
    assert found("converged_after_healing", cut()).status is Status.passed
    assert found("converged_after_healing", cut(), within_s=0.1).status is Status.failed


def test_a_link_that_nobody_uses_after_the_heal_shows_nothing() -> None:
    past = DoorPast()
    past.named()
    past.fault("cut", "refuse", [LINK], 5.0, 3.0)
    past.carried(1.0, 5.001)
    assert found("converged_after_healing", past).status is Status.unknown


def test_a_container_that_is_dead_at_the_end_fails_unless_it_was_a_job() -> None:
    past = cut()
    ran(past, "api[1]")
    state(past, "api[1]", "exited", 1)
    assert found("no_process_died", past).because.startswith("api[1] was exited at the end, exit code 1")
    past = cut()
    state(past, "api[1]", "exited", 1)
    state(past, "db[1]", "exited", 0)
    assert found("no_process_died", past).status is Status.passed


def test_an_end_that_a_restart_policy_made_good_fails_only_where_the_check_is_named() -> None:
    past = cut()
    state(past, "api[1]", "running", -1)
    past.emit(
        "driver", driver.ContainerExited, 6.0, container="api[1]", exit_code=3, out_of_memory=False,
        planned=False, log=["boom"],
    )  # fmt: skip
    finding = found("no_process_died", past)
    assert finding.status is Status.passed
    assert finding.because.endswith("ended by themselves and were started again: api[1] once")
    assert found("no_process_died", past, required=1).because.endswith("its last line: boom")


def test_lines_that_a_door_left_out_are_a_hole_in_its_journal() -> None:
    past = cut()
    past.emit(PROCESS, LinesOmitted, 9.0, link=RAW, counts={"connection_seen": 3})
    of = history(past)
    assert list(of.clients) == []
    assert gap_among(of, ("workers",)) == f"3 lines of {LINK} were left out by its door"


def test_checks_of_tasks_judge_no_foreign_system() -> None:
    assert set(always_judged(on_system=True)) == {name for name in ALWAYS if CHECKS[name].on_system}
    assert found("nothing_lost", cut()).status is Status.unknown


def test_metrics_of_tasks_and_workers_have_no_value_and_those_of_links_have() -> None:
    values = measure(history(cut())).values
    assert values["reconnections"] == 1
    assert set(METRICS) == set(values)
    assert not [name for name in METRICS if name not in SYSTEM_METRICS and values[name] is not None]


def commands(*outcomes: str) -> DoorPast:
    """A run with test commands that ended so, in order."""
    past = cut()
    for number, outcome in enumerate(outcomes, 1):
        past.emit(
            "load", Operation, 20.0 + number, load="tests", op="finally", key=f"finally_check#{number}",
            value=0, due_ns=0, call_ns=0, return_ns=0, outcome=outcome, detail="finally_check ended with 3",
        )  # fmt: skip
    past.emit("load", LoadEnded, 29.0, load="tests", operations=len(outcomes))
    return past


@pytest.mark.parametrize(
    ("outcomes", "status"),
    [
        (("ok", "ok"), Status.passed),
        (("ok", "fail", "unknown"), Status.failed),
        (("ok", "unknown"), Status.unknown),
        ((), Status.unknown),
    ],
)
def test_a_test_command_that_fails_after_the_faults_fails_the_run(
    outcomes: tuple[str, ...], status: Status
) -> None:
    assert found("test_commands_passed", commands(*outcomes)).status is status


def test_a_failing_test_command_is_named() -> None:
    assert "finally_check ended with 3" in found("test_commands_passed", commands("fail")).because


def operations(past: DoorPast, until_s: int, op: str = "add", from_s: int = 1, every_s: int = 1) -> DoorPast:
    """Operations of a load, so many seconds apart, until then."""
    for second in range(from_s, until_s, every_s):
        past.emit(
            "load", Operation, second + 0.1, load="orders", op=op, key=str(second), value=0,
            due_ns=ns(second), call_ns=ns(second), return_ns=ns(second + 0.1), outcome="ok",
        )  # fmt: skip
    return past


def late_fault() -> DoorPast:
    """A fault at 37 s, on a link with an open connection."""
    past = cut(60.0)
    past.fault("late", "latency", [LINK], 37.0, 5.0)
    return past


def test_a_fault_after_the_load_proves_nothing_however_many_connections_are_open() -> None:
    assert found("traffic_flowed", operations(late_fault(), 45)).status is Status.passed
    finding = found("traffic_flowed", operations(late_fault(), 30))
    assert finding.status is Status.unknown
    assert "no load was under way during late (latency" in finding.because


def test_a_fault_between_two_operations_of_a_slow_load_met_the_load() -> None:
    assert found("traffic_flowed", operations(late_fault(), 60, every_s=20)).status is Status.passed


def test_a_fault_in_a_pause_of_the_load_proves_nothing() -> None:
    past = operations(operations(late_fault(), 20), 60, from_s=50)
    assert "no load was under way" in found("traffic_flowed", past).because


def test_a_fault_between_two_loads_proves_nothing() -> None:
    past = operations(late_fault(), 20)
    for second in range(50, 59):
        past.emit(
            "load", Operation, second + 0.1, load="later", op="add", key=f"later-{second}", value=0,
            due_ns=ns(second), call_ns=ns(second), return_ns=ns(second + 0.1), outcome="ok",
        )  # fmt: skip
    assert "no load was under way" in found("traffic_flowed", past).because


def test_a_fault_before_the_load_proves_nothing() -> None:
    finding = found("traffic_flowed", operations(late_fault(), 60, from_s=50))
    assert finding.status is Status.unknown
    assert "no load was under way" in finding.because


def test_a_system_that_makes_its_own_load_needs_none_besides_commands_outside_of_faults() -> None:
    assert found("traffic_flowed", late_fault()).status is Status.passed
    assert found("traffic_flowed", operations(late_fault(), 3, op="first")).status is Status.passed


def exited(past: DoorPast, container: str, at_s: float, exit_code: int) -> DoorPast:
    """A container that ran ends by itself, for good."""
    ran(past, container)
    past.emit(
        "driver", driver.ContainerExited, at_s, container=container, exit_code=exit_code,
        out_of_memory=False, planned=False, log=[],
    )  # fmt: skip
    state(past, container, "exited", exit_code)
    return past


@pytest.mark.parametrize(
    ("container", "at_s", "exit_code", "status"),
    [
        ("api[1]", 6.0, 0, Status.failed),
        ("db[1]", 6.0, 0, Status.failed),
        ("mail[1]", 6.0, 0, Status.passed),
        ("mail[1]", 6.0, 1, Status.failed),
        ("api[1]", 2.0, 0, Status.passed),
        ("api[1]", 2.0, 1, Status.passed),
    ],
)
def test_a_container_that_ended_for_good_was_a_job_unless_a_fault_may_have_ended_it(
    container: str, at_s: float, exit_code: int, status: Status
) -> None:
    past = exited(cut(), container, at_s, exit_code)
    of = with_links(past.history([]), [*CONTAINERS, "mail[1]"])
    assert run_check(CHECKS["no_process_died"], of, measure(of), {}).status is status


def test_without_faults_a_job_that_failed_had_ended_before_the_steady_state() -> None:
    def past(at_s: float) -> DoorPast:
        made = DoorPast()
        made.phase("gate", 0.0, 5.0)
        return exited(made, "api[1]", at_s, 1)

    assert found("no_process_died", past(2.0)).status is Status.passed
    assert found("no_process_died", past(7.0)).status is Status.failed


def test_a_system_without_a_whole_link_is_no_reference_system() -> None:
    past = cut()
    past.emit(PROCESS, LinesOmitted, 9.0, link=RAW, counts={"connection_seen": 3})
    of = history(past)
    assert list(of.clients) == []
    assert words_of(of) is SYSTEM
    assert words_of(small().history()) is REFERENCE


def asked_for(*asks: float, end_s: float) -> DoorPast:
    """A link whose connections are short, at these times; it is cut from 60 s to 63 s."""
    past = DoorPast()
    past.named()
    past.fault("cut", "refuse", [LINK], 60.0, 3.0)
    for at_s in asks:
        past.carried(at_s, at_s + 1.0, CLIENT)
    past.phase("collect", end_s, end_s + 1.0)
    return past


def test_a_link_that_is_asked_for_rarely_has_converged_when_it_is_answered_at_once() -> None:
    finding = found("converged_after_healing", asked_for(1.0, 51.0, 108.0, end_s=120.0))
    assert (finding.status, round(finding.measured or 0, 3)) == (Status.passed, 0.003)
    assert "s after its first ask since the heal" in finding.because
    often = asked_for(*range(1, 60, 5), 108.0, end_s=120.0)
    assert found("converged_after_healing", often).status is Status.failed


@pytest.mark.parametrize(("at_s", "status"), [(119.985, Status.unknown), (110.0, Status.failed)])
def test_a_link_that_is_asked_for_just_before_the_end_is_not_decided(at_s: float, status: Status) -> None:
    past = asked_for(1.0, 51.0, end_s=120.0)
    past.failed(at_s)
    assert found("converged_after_healing", past).status is status


@pytest.mark.parametrize(
    ("ended_s", "how", "status"),
    [(70.01, FIN, Status.unknown), (75.0, FIN, Status.failed), (70.01, RST, Status.failed)],
)
def test_a_goodbye_on_an_idle_connection_asks_for_nothing(ended_s: float, how: str, status: Status) -> None:
    past = asked_for(end_s=120.0)
    number = past.opened(1.0)
    past.ended(ended_s, number, side(1.1, 70.0, ended_s, how), side(1.2, 50.0, ended_s, CLOSED), CLIENT, how)
    assert found("converged_after_healing", past).status is status


def abandoned(end_s: float, *, uses: Iterable[float] = range(1, 60), sibling: bool = False) -> DoorPast:
    """A link whose only connection is used at these times, until it is cut at 60 s and not asked for again;
    the connection of another link, or of another replica of its client, goes on.
    """
    past = DoorPast()
    past.named()
    other, name = (
        ("api->db:5432@10.236.0.4", "api[2]->db:5432") if sibling else ("web->db:1@x", "web[1]->db:1")
    )
    past.named(0.2, other, name)
    past.fault("cut", "cut", [LINK], 60.0, 0.01)
    number = past.opened(0.5)
    for at_s in uses:
        past.seen(at_s + 0.3, number, side(1.0, at_s), side(1.1, at_s + 0.1))
    past.ended(60.005, number, side(1.0, 59.0, 60.005, CLOSED), side(1.1, 59.1, 60.005, CLOSED), DOOR, CLOSED)
    past.carried(1.0, end_s - 0.1, CLIENT, link=other)
    past.phase("collect", end_s, end_s + 1.0)
    return past


def test_a_link_that_was_hit_and_is_never_asked_for_again_has_not_converged() -> None:
    finding = found("converged_after_healing", abandoned(90.0))
    assert finding.status is Status.failed
    assert finding.because == f"1 of 2 links carried nothing since a fault hit it: {LINK}"


def test_a_link_that_rests_for_longer_than_it_was_watched_is_not_decided() -> None:
    finding = found("converged_after_healing", abandoned(90.0, uses=(1.0, 59.0)))
    assert finding.status is Status.unknown


def test_a_link_that_the_load_used_once_before_the_fault_is_not_missed() -> None:
    past = operations(abandoned(90.0, uses=(1.0, 1.5)), 90, from_s=10)
    assert found("converged_after_healing", past).status is Status.passed


def test_traffic_that_another_replica_of_the_client_carries_is_none_that_is_missing() -> None:
    assert found("converged_after_healing", abandoned(90.0, sibling=True)).status is Status.passed
