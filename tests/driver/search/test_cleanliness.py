"""Claims about when a system needs no new start: each thing that is not as before is a reason."""

from __future__ import annotations

import pytest

from driver.checks.finding import failed, passed, unknown
from driver.histories.events import Healed, LabTrouble
from driver.histories.history import History
from driver.histories.readings import grown
from driver.histories.system_history import with_links
from driver.search.cleanliness import PHASES, unclean
from driver.search.novelty import features_of
from tests.driver.claims.system_past import SystemPast
from tests.driver.judge.door_journal import PROCESS, DoorPast, side


def door_past() -> DoorPast:
    """A run whose phases ended well, with one fault from 10 s to 12 s."""
    past = DoorPast()
    past.named()
    times = (0.0, 5.0, 15.0, 16.0, 17.0, 18.0, 20.0)
    for phase, began_s, ended_s in zip(PHASES, times, times[1:], strict=False):
        past.phase(phase, began_s, ended_s)
    past.fault("refuse-1", "refuse", ["api[1]->db:5432"], 10.0, 2.0, proved=None)
    past.emit("driver", Healed, 15.5, links=[], containers=[], left=[], took_ms=1.0)
    return past


def history_of(past: DoorPast) -> History:
    return with_links(past.history(), ["api[1]", "db[1]"])


def test_a_run_after_which_all_is_as_before_needs_no_new_start() -> None:
    past = door_past()
    past.opened(1.0)
    assert (
        unclean(history_of(past), [passed("no_process_died", "none"), unknown("faults_were_proved", "?")])
        == []
    )


@pytest.mark.parametrize(("at_s", "is_dialled"), [(1.0, False), (6.0, True), (15.5, False)])
def test_a_link_is_dialled_where_a_connection_begins_while_faults_may(at_s: float, is_dialled: bool) -> None:
    past = door_past()
    past.opened(at_s)
    assert ("dialled|api->db:5432" in features_of(history_of(past), [], {})) is is_dialled


def test_a_finding_that_failed_is_a_reason() -> None:
    past = door_past()
    past.opened(1.0)
    assert unclean(history_of(past), [failed("no_process_died", "one")]) == ["no_process_died failed"]


def test_a_sentence_that_is_unknown_is_a_reason() -> None:
    past = door_past()
    past.opened(1.0)
    assert unclean(history_of(past), [unknown("no stored.id twice", "no answer")]) == [
        "no stored.id twice is unknown"
    ]


def test_a_pair_that_has_no_connection_any_more_is_a_reason() -> None:
    past = door_past()
    past.carried(1.0, 11.0)
    assert unclean(history_of(past), []) == ["api->db:5432 has no connection"]


def test_a_pair_that_was_connected_again_is_none() -> None:
    past = door_past()
    past.carried(1.0, 11.0)
    number = past.opened(12.5)
    past.seen(13.0, number, side(12.6, 12.9), side(12.7, 12.8))
    assert unclean(history_of(past), []) == []


@pytest.mark.parametrize("phase", PHASES)
def test_a_phase_that_failed_or_is_missing_is_a_reason(phase: str) -> None:
    past = door_past()
    past.opened(1.0)
    past.lines["driver"] = [event for event in past.lines["driver"] if getattr(event, "phase", "") != phase]
    assert unclean(history_of(past), []) == [f"its phase {phase} is missing"]


def test_a_heal_that_left_something_is_a_reason() -> None:
    past = door_past()
    past.opened(1.0)
    past.emit("driver", Healed, 15.6, links=[], containers=[], left=["db[1] (paused)"], took_ms=1.0)
    past.emit("driver", LabTrouble, 15.7, what="bug", detail="")
    assert unclean(history_of(past), []) == ["the heal was not verified", "the lab had trouble: bug"]


def queue_past(*, before: float, calm: float, after: float) -> SystemPast:
    past = SystemPast()
    past.fault("cut-1", "partition", 10.0, 2.0)
    past.number("queue", 1.0, before, "before")
    past.number("queue", 5.0, calm)
    past.number("queue", 11.0, 90.0)
    past.number("queue", 50.0, after, "after")
    return past


def test_a_queue_that_is_longer_than_before_the_fault_has_grown() -> None:
    assert grown(queue_past(before=0, calm=4, after=7).history()) == {"queue": (4, 7)}


def test_a_queue_that_is_about_as_long_as_it_was_has_not() -> None:
    assert grown(queue_past(before=0, calm=4, after=6).history()) == {}


def test_what_grows_without_faults_too_is_no_queue() -> None:
    history = queue_past(before=0, calm=4, after=70).history()
    reasons = unclean(history, [])
    assert "queue is 70, and was 4" in reasons
    assert "queue is 70, and was 4" not in unclean(history, [], ["queue"])


def test_the_name_of_the_process_is_that_of_a_door() -> None:
    assert PROCESS.startswith("door-")
