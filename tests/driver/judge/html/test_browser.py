"""The report in a real browser: it opens offline, shows what happened, and obeys pointer and keys."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from driver.report.write import write_report
from tests.driver.forensics.fleets import Fleet, write
from tests.driver.judge.histories import Past, healthy_herd
from tests.driver.judge.html.conftest import Opened, Opener
from wire.policies import POLICIES

HOSTILE = '</script><script>window.hurt = 1</script><img src=x onerror="window.hurt = 1">\u202e\x1b[31m'
A4_PX = (703, 1017)
"""An A4 page within its margins, at 96 pixels an inch."""
NAME = '<img src=x onerror="window.hurt = 1">\u202e'


def names(page: Page) -> list[str]:
    return page.locator("#lane-names div").all_inner_texts()


def lane_point(page: Page, row: int, share: float) -> tuple[float, float]:
    """The pixel of one row of the lanes, at a share of the whole time."""
    page.locator("#lane-svg").scroll_into_view_if_needed()
    box = page.locator("#lane-svg").bounding_box()
    assert box is not None
    rows = len(names(page))
    return box["x"] + box["width"] * share, box["y"] + (row + 0.5) * box["height"] / rows


def test_it_opens_without_an_error_and_makes_no_request(show: Opener) -> None:
    opened = show(healthy_herd())
    opened.page.mouse.wheel(0, 9000)
    assert opened.complaints == []
    assert len(opened.requests) == 1
    assert opened.requests[0].startswith("file://")


def test_the_verdict_is_the_first_thing_that_is_read(show: Opener) -> None:
    page = show(healthy_herd()).page
    expect(page.locator("header .badge")).to_have_text("PASSED")
    expect(page).to_have_title("PASSED: herd")


def test_there_is_a_lane_for_the_coordinator_and_each_worker_and_a_band_for_each_fault(show: Opener) -> None:
    page = show(healthy_herd(workers=4, rounds=2)).page
    assert names(page) == ["coordinator", "worker-1", "worker-2", "worker-3", "worker-4"]
    assert page.locator("#bands button").all_inner_texts() == ["herd-1", "herd-2"]
    assert (page.locator("path.l-down").get_attribute("d") or "").count("M") >= 8
    assert (page.locator("path.l-band").get_attribute("d") or "").count("M") == 8


def test_a_fault_without_proof_looks_otherwise(show: Opener) -> None:
    past = healthy_herd(rounds=1)
    past.fault("doubtful", "latency", ["worker-2"], 30, 2, cuts=False, proved=False)
    page = show(past).page
    expect(page.locator("#bands button.unproved")).to_have_text("doubtful")
    assert (page.locator("path.l-unproved").get_attribute("d") or "").count("M") == 1


def test_pointing_at_an_outage_shows_its_course_and_where_it_is_written(show: Opener) -> None:
    page = show(healthy_herd(workers=2, rounds=1)).page
    page.mouse.move(*lane_point(page, row=1, share=14 / 34))
    tip = page.locator("#tip")
    expect(tip).to_be_visible()
    expect(tip).to_contain_text("worker-1: cut off")
    expect(tip).to_contain_text("closed")
    expect(tip).to_contain_text("herd-1 (refuse)")
    page.mouse.move(5, 5)
    expect(tip).to_be_hidden()


def test_a_click_keeps_the_note_so_that_its_link_can_be_followed(show: Opener) -> None:
    page = show(healthy_herd(workers=2, rounds=1)).page
    page.mouse.click(*lane_point(page, row=1, share=14 / 34))
    page.mouse.move(5, 5)
    link = page.locator("#tip a")
    expect(link).to_be_visible()
    assert link.inner_text().startswith("worker-1.jsonl:")
    assert link.get_attribute("href") == "journals/worker-1.jsonl"
    page.keyboard.press("Escape")
    expect(page.locator("#tip")).to_be_hidden()


def test_the_keyboard_walks_from_worker_to_worker_and_event_to_event(show: Opener) -> None:
    page = show(healthy_herd(workers=2, rounds=1)).page
    page.locator("#lane-scroll").focus()
    for key in ["ArrowDown"] * 2 + ["ArrowRight"] * 5:
        page.keyboard.press(key)
    expect(page.locator("#lane-names div.on")).to_have_text("worker-1")
    expect(page.locator("#tip")).to_contain_text("worker-1: cut off")
    page.keyboard.press("Enter")
    expect(page.locator("#tip a")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("#tip")).to_be_hidden()
    expect(page.locator("#lane-scroll")).to_be_focused()


@pytest.mark.parametrize(
    ("asked", "left"),
    [
        ("2", ["worker-2"]),
        ("2-3", ["worker-2", "worker-3"]),
        ("1,12", ["worker-1", "worker-12"]),
        ("coord", ["coordinator"]),
        ("nobody", []),
    ],
)
def test_the_filter_leaves_the_workers_that_are_asked_for(show: Opener, asked: str, left: list[str]) -> None:
    page = show(healthy_herd(workers=12, rounds=1)).page
    page.locator("#filter").fill(asked)
    assert names(page) == left
    assert page.locator("#no-lanes").is_visible() == (not left)


def test_the_worst_can_be_first(show: Opener) -> None:
    page = show(healthy_herd(workers=4, rounds=1)).page
    page.locator("#troubled").check()
    assert names(page)[0] == "worker-4"


def test_a_faults_name_zooms_to_it_and_a_double_click_shows_all_again(show: Opener) -> None:
    page = show(healthy_herd(workers=2, rounds=2)).page
    whole = page.locator("#lane-svg").get_attribute("viewBox")
    page.locator("#bands button", has_text="herd-2").click()
    assert page.locator("#lane-svg").get_attribute("viewBox") == "39.5 0 10 60"
    expect(page.locator("#zoom-out")).to_be_visible()
    page.mouse.dblclick(*lane_point(page, row=0, share=0.5))
    assert page.locator("#lane-svg").get_attribute("viewBox") == whole
    expect(page.locator("#zoom-out")).to_be_hidden()


def test_a_drag_over_the_lanes_zooms_to_what_it_covers(show: Opener) -> None:
    page = show(healthy_herd(workers=2, rounds=1)).page
    page.mouse.move(*lane_point(page, row=1, share=0.25))
    page.mouse.down()
    page.mouse.move(*lane_point(page, row=1, share=0.75), steps=5)
    page.mouse.up()
    left, _, wide, _ = (
        float(part) for part in (page.locator("#lane-svg").get_attribute("viewBox") or "").split()
    )
    assert left == pytest.approx(34 / 4, abs=0.2)
    assert wide == pytest.approx(34 / 2, abs=0.2)


def test_every_plot_is_drawn(show: Opener) -> None:
    page = show(healthy_herd()).page
    assert page.locator("figure.plot").count() == page.locator("figure.plot canvas").count() >= 5


def test_columns_can_be_sorted(show: Opener) -> None:
    page = show(healthy_herd(workers=12, rounds=1)).page
    longest = page.locator("table.sortable th button", has_text="Longest outage")
    longest.click()
    longest.click()
    assert page.locator("table.sortable tbody tr td").first.inner_text() == "worker-12"
    page.locator("table.sortable th button", has_text="Worker").click()
    assert page.locator("table.sortable tbody tr td:first-child").all_inner_texts()[:2] == [
        "worker-1",
        "worker-2",
    ]


def test_it_follows_the_readers_preference_for_dark_and_can_be_switched(show: Opener) -> None:
    page = show(healthy_herd(), color_scheme="dark").page
    background = "getComputedStyle(document.body).backgroundColor"
    dark = page.evaluate(background)
    page.locator("#theme").click()
    assert page.evaluate(background) != dark
    assert page.locator("html").get_attribute("data-theme") == "light"


def test_on_a_phone_nothing_is_wider_than_the_screen(show: Opener) -> None:
    page = show(healthy_herd(), viewport={"width": 390, "height": 844}).page
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    expect(page.locator("#lane-names div").first).to_be_visible()


def test_what_is_wider_than_a_phone_says_that_it_can_be_scrolled_and_nothing_else_does(show: Opener) -> None:
    page = show(healthy_herd(), viewport={"width": 390, "height": 800}).page
    found = page.evaluate(
        "() => [...document.querySelectorAll('.scroll')].filter(one => one.checkVisibility())"
        ".map(one => [one.scrollWidth > one.clientWidth,"
        " parseFloat(getComputedStyle(one, '::before').maxHeight) > 0])"
    )
    assert [True, True] in found
    assert all(is_wider == has_hint for is_wider, has_hint in found)


@pytest.mark.parametrize("workers", [20, 200])
def test_on_paper_the_timeline_fits_one_page_with_its_heading(show: Opener, workers: int) -> None:
    page = show(healthy_herd(workers, rounds=1), viewport={"width": A4_PX[0], "height": A4_PX[1]}).page
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print")
    box = page.locator("#timeline").bounding_box()
    assert box is not None
    assert box["height"] <= A4_PX[1]
    assert page.locator("#timeline").evaluate("one => getComputedStyle(one).breakInside") == "avoid"
    assert page.evaluate("document.documentElement.scrollWidth") <= A4_PX[0]


def test_the_policies_of_the_what_if_are_drawn_by_time_and_attempts(browser: Browser, tmp_path: Path) -> None:
    history = Fleet(("seed",), 20, 2, (12.0, 12.0), seed=3).history()
    page = Opened(browser.new_page(), write_report(write(history, tmp_path / "20261124T021500Z-herd"))).page
    assert page.locator(".trade circle").count() >= len(POLICIES)
    assert page.locator(".trade .own text").all_text_contents() == ["seed"]
    expect(page.locator("#reconnection")).to_contain_text("On the Pareto front of time and peak attempts:")


def test_on_paper_all_lanes_are_there_and_nothing_to_click(show: Opener) -> None:
    page = show(healthy_herd(workers=60, rounds=1)).page
    page.emulate_media(media="print")
    expect(page.locator("nav")).to_be_hidden()
    expect(page.locator("#theme")).to_be_hidden()
    shown = "document.getElementById('lane-scroll').clientHeight"
    assert page.evaluate(shown) >= page.evaluate("document.getElementById('lane-svg').clientHeight")
    assert page.pdf().startswith(b"%PDF")


def test_names_and_outputs_of_others_are_text_and_do_nothing(show: Opener) -> None:
    past = healthy_herd(workers=1, rounds=1)
    past.workers.append(NAME)
    past.start(NAME, 1)
    past.connect(NAME, 1.5)
    past.submit(HOSTILE, 20)
    past.finish(HOSTILE, "worker-1", past.assign(HOSTILE, "worker-1", 20.1), 20.2, outcome="failed")
    past.fault(HOSTILE, HOSTILE, [NAME], 21, 1, proved=False)
    opened = show(past, {"scenario": HOSTILE, "claim": HOSTILE, "settings": {HOSTILE: HOSTILE}})
    page = opened.page
    page.mouse.move(*lane_point(page, row=2, share=21.5 / 34))
    expect(page.locator("#tip")).to_contain_text("onerror")
    assert page.evaluate("window.hurt") is None
    assert page.locator("img").count() == 0
    assert page.locator("script").count() == 2
    assert opened.complaints == []
    assert "\u202e" not in page.content().replace("\\u202e", "")


def test_a_run_of_which_nothing_is_left_still_opens(show: Opener) -> None:
    opened = show(Past(0))
    expect(opened.page.locator("header .badge")).to_have_text("INCONCLUSIVE")
    assert opened.complaints == []
