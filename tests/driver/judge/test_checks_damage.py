"""What the checks on altered bytes say: noticed on every link that carried enough, and not believed."""

from __future__ import annotations

from driver.checks.finding import Status
from tests.driver.judge.findings import found
from tests.driver.judge.histories import Past
from wire import events as wire

NAME = "every_damaged_frame_noticed"


def noisy(*, carried_bytes: int = 1_000_000, per_byte: float = 1e-4) -> Past:
    """Two workers whose links alter bytes for ten seconds, and the bytes that they carry."""
    past = Past(2)
    past.begin()
    past.fault("noise", "corrupt", past.workers, 10, 10, cuts=False, damaged_per_byte=per_byte)
    for worker in past.workers:
        past.emit(worker, wire.TrafficTotals, 9.5, wire_bytes_sent=5_000)
        past.emit(worker, wire.TrafficTotals, 19.5, wire_bytes_sent=5_000 + carried_bytes // 2,
                  wire_bytes_received=carried_bytes // 2)  # fmt: skip
    past.end(40)
    return past


def refuse(past: Past, by: str, peer: str, at_s: float = 12) -> None:
    past.emit(by, wire.FrameRefused, at_s, peer=peer, fault="altered", detail="the code does not fit")


def test_damage_that_each_side_noticed_is_noticed() -> None:
    past = noisy()
    refuse(past, "worker-1", "coordinator")
    refuse(past, "coordinator", "worker-2")
    finding = found(NAME, past)
    assert finding.status is Status.passed
    assert "2 links" in finding.because


def test_a_link_on_which_damage_was_not_detected_is_a_failure() -> None:
    past = noisy()
    refuse(past, "coordinator", "worker-2")
    finding = found(NAME, past)
    assert finding.status is Status.failed
    assert "worker-1 under noise" in finding.because


def test_a_connection_that_broke_meanwhile_is_a_notice_too() -> None:
    past = noisy()
    for worker in past.workers:
        past.lose(worker, 13, kind="bad_frame")
    assert found(NAME, past).status is Status.passed


def test_what_was_on_its_way_when_the_damage_ended_may_be_noticed_a_moment_later() -> None:
    past = noisy()
    for worker in past.workers:
        refuse(past, worker, "coordinator", at_s=21)
    assert found(NAME, past).status is Status.passed


def test_what_a_link_carried_before_the_damage_does_not_count() -> None:
    past = noisy(carried_bytes=10_000)
    past.emit("worker-1", wire.TrafficTotals, 9.9, wire_bytes_sent=900_000)
    past.emit("worker-1", wire.TrafficTotals, 19.9, wire_bytes_sent=905_000)
    assert found(NAME, past).status is Status.unknown


def test_what_was_refused_before_or_long_after_is_no_notice() -> None:
    past = noisy()
    for worker in past.workers:
        refuse(past, worker, "coordinator", at_s=5)
        refuse(past, worker, "coordinator", at_s=25)
    assert found(NAME, past).status is Status.failed


def test_links_that_carried_little_prove_nothing() -> None:
    assert found(NAME, noisy(carried_bytes=1_000)).status is Status.unknown


def test_without_damage_there_is_nothing_to_notice() -> None:
    assert found(NAME, noisy(per_byte=0.0)).status is Status.unknown


# -- damage_was_not_believed ------------------------------


def test_damage_that_the_mac_caught_was_not_accepted() -> None:
    past = noisy()
    refuse(past, "worker-1", "coordinator")
    assert found("damage_was_not_believed", past).status is Status.passed


def test_an_undecodable_frame_with_a_valid_mac_was_accepted() -> None:
    past = noisy()
    refuse(past, "worker-1", "coordinator")
    past.emit(
        "coordinator", wire.FrameRefused, 13, peer="worker-2", fault="undecodable", detail="not a frame"
    )
    finding = found("damage_was_not_believed", past)
    assert finding.status is Status.failed
    assert "1 of 2 bad frames" in finding.because


def test_without_a_bad_frame_it_is_unknown_whether_damage_is_believed() -> None:
    assert found("damage_was_not_believed", noisy()).status is Status.unknown
