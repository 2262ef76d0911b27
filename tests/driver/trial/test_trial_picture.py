"""Claims about the picture of a finding: which links it has, which part of the time, where all is drawn."""

from __future__ import annotations

from msgspec.structs import replace

from driver.histories.connection_history import connection_histories
from driver.histories.link_connections import link_journals
from driver.histories.link_history import link_history
from driver.trial.picture import (
    MOST_LANES,
    WIDE,
    LinkLane,
    StepPicture,
    drawing,
    joined,
    link_lane,
    picture_of,
)
from driver.trial.report import as_html
from tests.driver.judge.door_journal import LINK
from tests.driver.judge.histories import ns
from tests.driver.judge.test_link_history import cut
from tests.driver.trial.test_trial_report import CUT, broke, report


def test_a_lane_is_of_a_door_s_journal() -> None:
    history = cut().history([])
    (found,) = connection_histories(link_history(history)).values()
    lane = link_lane(found, link_journals(history)[LINK], ns(20.0))
    shown = lane.between(ns(4.0) / 1e9, ns(10.0) / 1e9, ns(5.0) / 1e9)
    assert shown.up == [(-1.0, 0.001), (3.502, 5.0)]
    assert shown.down == [(0.001, 3.502)]
    assert shown.dials == [0.999, 1.999, 3.499]


def test_what_the_fault_hit_comes_first_and_then_what_was_away() -> None:
    well, away = LinkLane(up=[(0, 99)]), LinkLane(up=[(0, 20)], down=[(20, 30)])
    lanes = {"a->x:1": well, "b->x:1": away, "c->x:1": well, "d->x:1": LinkLane(up=[(0, 3)])}
    picture = picture_of(lanes, (20.0, 25.0), 40.0, ["c->x:1"])
    assert picture is not None
    assert list(picture.lanes) == ["c->x:1", "b->x:1", "a->x:1"]
    assert [lane.is_hit for lane in drawing(picture).lanes] == [True, False, False]
    assert (picture.from_s, picture.healed_s, picture.to_s) == (-5.0, 5.0, 20.0)


def test_a_picture_of_very_many_links_stays_small_and_one_of_none_is_none() -> None:
    lanes = {f"api[{number}]->db:5432": LinkLane(up=[(0, 99)]) for number in range(200)}
    picture = picture_of(lanes, (20.0, 25.0), 40.0, [])
    assert picture is not None
    assert len(picture.lanes) == MOST_LANES
    assert picture_of({}, (20.0, 25.0), 40.0, []) is None


def test_everything_is_drawn_at_its_time() -> None:
    lane = LinkLane(up=[(-5.0, 0.0)], down=[(0.0, 15.0)], dials=[5.0])
    drawn = drawing(StepPicture(-5.0, 10.0, 15.0, {LINK: lane}))
    assert drawn.fault == (250.0, 500.0)
    assert drawn.lanes[0].boxes == [("up", 0.0, 250.0), ("down", 250.0, 750.0)]
    assert drawn.lanes[0].dials == [500.0]
    assert drawn.times == [(250.0, "fault, healed after 10.0 s"), (WIDE, "15 s")]


def test_lanes_of_a_system_that_was_started_again_follow_each_other() -> None:
    found = joined([{LINK: LinkLane(up=[(1, 2)], dials=[1])}, {LINK: LinkLane(up=[(5, 6)], dials=[5])}])
    assert found[LINK] == LinkLane([(1, 2), (5, 6)], [], [], [1, 5])


def test_the_page_draws_a_finding_and_escapes_its_names() -> None:
    evil = "<img src=x>[1]->db:5432"
    shown = StepPicture(-5.0, 10.0, 15.0, {evil: LinkLane(up=[(-5.0, 0.0)], down=[(0.0, 15.0)], dials=[5.0])})
    page = as_html(report(replace(broke(CUT), picture=shown)))
    assert "<img" not in page
    assert 'class="down" x="250.0"' in page
    assert "healed after 10.0 s" in page
    assert "<script" not in page
