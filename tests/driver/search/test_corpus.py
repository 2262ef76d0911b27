"""Claims about the corpus, coverage and the identity of findings."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from driver.checks.finding import failed, passed
from driver.search.corpus import Corpus
from driver.search.coverage import LINK_STATES, coverage_of, overlaps
from driver.search.draw_schedule import draw
from driver.search.fault_space import FaultSpace
from driver.search.finding_key import FindingKey, failed_keys, key_of
from driver.search.schedule import Schedule, ScheduledFault

LINK = "worker[1]->db:5432"
NAMES = ["worker[1]", "db[1]", "web[1]", LINK, "worker", "db", "web"]
SPACE = FaultSpace((LINK,), ("worker[1]", "db[1]"), 1.0, 5.0, 6.0, faults=("cut", "refuse", "kill"))


def test_a_feature_is_new_once() -> None:
    corpus: Corpus[Schedule] = Corpus()
    schedule = draw(random.Random(1), SPACE)
    assert corpus.add(1, schedule, {"a|1", "a|2"}) == {"a|1", "a|2"}
    assert corpus.add(2, schedule, {"a|2"}) == frozenset()
    assert corpus.add(3, schedule, {"a|2", "a|3"}) == {"a|3"}
    assert [entry.number for entry in corpus.entries] == [1, 3]
    assert corpus.seen["a|2"] == 3


def test_a_rare_feature_is_changed_more_often_than_a_frequent_one() -> None:
    corpus: Corpus[Schedule] = Corpus()
    schedule = draw(random.Random(1), SPACE)
    corpus.add(1, schedule, {"common"})
    for number in range(2, 30):
        corpus.add(number, schedule, {"common"})
    corpus.add(30, schedule, {"common", "rare"})
    chance = random.Random(2)
    picks = Counter(corpus.pick(chance).number for _ in range(40))
    assert picks[30] > picks[1]


def test_a_schedule_that_costs_more_is_changed_less_often() -> None:
    corpus: Corpus[Schedule] = Corpus()
    schedule = draw(random.Random(1), SPACE)
    corpus.add(1, schedule, {"a|1"}, 10.0)
    corpus.add(2, schedule, {"a|2"}, 1.0)
    chance = random.Random(2)
    picks = Counter(corpus.pick(chance).number for _ in range(40))
    assert picks[2] > 4 * picks[1] > 0


def test_a_state_that_becomes_frequent_gives_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("driver.search.corpus.BEST", 1.0)
    corpus: Corpus[Schedule] = Corpus()
    schedule = draw(random.Random(1), SPACE)
    corpus.add(1, schedule, {"a|1"})
    corpus.add(2, schedule, {"a|2"})
    for _ in range(20):
        corpus.learn({"a|1"})
    assert [corpus.pick(random.Random(2)).number for _ in range(12)].count(2) == 12


def test_the_oldest_schedules_leave_a_full_corpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("driver.search.corpus.MOST_ENTRIES", 3)
    corpus: Corpus[Schedule] = Corpus()
    for number in range(5):
        corpus.add(number, draw(random.Random(number), SPACE), {f"a|{number}"})
    assert [entry.number for entry in corpus.entries] == [2, 3, 4]


def test_coverage_names_what_was_never_reached() -> None:
    schedule = Schedule(
        (ScheduledFault("refuse", (LINK,), 1.0, 2.0), ScheduledFault("cut", (LINK,), 2.0)), 6.0
    )
    found = coverage_of(
        SPACE, [schedule], ["link|worker->db:5432|connected", "log|web|#"], ["worker->db:5432"]
    )
    assert found.faults == [("cut", LINK), ("refuse", LINK)]
    assert found.faults_left == [("kill", "db[1]"), ("kill", "worker[1]")]
    assert found.overlaps == [("cut", "refuse")]
    assert ("kill", "refuse") in found.overlaps_left
    assert ("worker->db:5432", "connected") in found.link_states
    assert len(found.link_states_left) == len(LINK_STATES) - 1
    assert found.open == {"log": 1}


def test_faults_that_follow_each_other_do_not_overlap() -> None:
    schedule = Schedule(
        (ScheduledFault("refuse", (LINK,), 1.0, 1.0), ScheduledFault("cut", (LINK,), 3.0)), 6.0
    )
    assert overlaps(schedule) == set()


def test_a_finding_is_its_check_and_what_it_is_about() -> None:
    one = failed("no_process_died", "worker[1] ended at 3.2 s with exit code 1, and no fault was on it")
    later = failed("no_process_died", "worker[1] ended at 9.9 s with exit code 1, and no fault was on it")
    other = failed("no_process_died", "web[1] ended at 3.2 s with exit code 1, and no fault was on it")
    assert key_of(one, NAMES) == key_of(later, NAMES) == FindingKey("no_process_died", ("worker",))
    assert key_of(other, NAMES) != key_of(one, NAMES)


def test_services_whose_names_end_in_numbers_are_two() -> None:
    names = ["redis-1", "redis-2", "redis-1[1]", "redis-2[1]"]
    one, other = (failed("no_process_died", f"{name} ended") for name in ("redis-1", "redis-2[1]"))
    assert key_of(one, names).subjects == ("redis-1",)
    assert key_of(other, names).subjects == ("redis-2",)


def test_a_link_in_a_sentence_is_not_its_ends() -> None:
    one = failed("converged_after_healing", f"after 40 s not as before: {LINK}")
    assert key_of(one, NAMES).subjects == ("worker->db:5432",)


def test_an_expectation_names_its_subject_itself() -> None:
    text = "every acknowledged jobs.key in results.reference"
    one, other = failed(text, "1 of 40 is not done on web[1]"), failed(text, "39 of 40 are not done")
    assert key_of(one, NAMES) == key_of(other, NAMES) == FindingKey(text)


def test_a_finding_about_more_is_the_same_finding() -> None:
    worker = FindingKey("no_process_died", ("worker",))
    both = FindingKey("no_process_died", ("web", "worker"))
    assert worker.covers(both)
    assert not both.covers(worker)


def test_only_findings_that_failed_have_keys() -> None:
    found = [passed("traffic_flowed", "it did"), failed("no_process_died", "db[1] ended")]
    assert failed_keys(found, NAMES) == [FindingKey("no_process_died", ("db",))]
