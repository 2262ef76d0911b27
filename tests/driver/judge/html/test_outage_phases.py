"""A phase of a way back has one name and one colour, wherever a reader meets it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from driver.histories.outage_phases import PHASES
from driver.metrics import METRICS
from driver.reference.report.distributions import distributions
from tests.driver.judge.histories import healthy_herd
from tests.driver.judge.html.conftest import Opener

ROOT = Path(__file__).parents[4]
SHOWN_BY = ("driver/report", "driver/compare", "driver/dashboard", "driver/forensics")
OTHER_NAMES = r"noticing|noticed|detecting|(?<!failed )attempts? in vain"
COLOURS = [colour for phase in PHASES for colour in (phase.light, phase.dark)]


def rgb(colour: str) -> str:
    return f"rgb({', '.join(str(int(colour[at : at + 2], 16)) for at in (1, 3, 5))})"


def test_names_and_colours_of_the_phases_are_all_different() -> None:
    assert len({phase.name for phase in PHASES}) == len({phase.light for phase in PHASES}) == len(PHASES)


@pytest.mark.parametrize("room", SHOWN_BY)
def test_nothing_that_shows_a_phase_writes_its_name_itself(room: str) -> None:
    words = [f'"{phase.name}"' for phase in PHASES if " " in phase.name] + ['"detection"', ">detection<"]
    for path in (ROOT / room).rglob("*.*"):
        if path.suffix in (".py", ".js", ".css", ".j2", ".html") and "uplot" not in path.name:
            text = path.read_text()
            assert [word for word in words if word in text] == [], path
            assert re.findall(rf"[\"'>]({OTHER_NAMES})[\"'<]", text) == [], path


def test_the_metrics_of_the_phases_have_their_names() -> None:
    for phase in PHASES:
        assert f"{phase.key.replace('-', '_')}_time_p99_s" in METRICS


def test_the_distribution_of_each_phase_has_its_name_and_its_colour() -> None:
    plot = next(plot for plot in distributions(healthy_herd().history()) if plot.name == "reconnection")
    found = [(series.label.rpartition(" (")[0], series.colour) for series in plot.series]
    assert found == [("whole", "ink"), *((phase.name, f"phase-{phase.key}") for phase in PHASES)]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_table_of_the_phases_and_a_note_in_the_timeline_show_the_same(show: Opener, scheme: str) -> None:
    page = show(healthy_herd(workers=2, rounds=1), color_scheme=scheme).page
    wanted = [rgb(phase.light if scheme == "light" else phase.dark) for phase in PHASES]
    background = "all => all.map(one => getComputedStyle(one).backgroundColor)"
    assert page.locator("#reconnection .parts i").evaluate_all(background) == wanted
    assert page.locator("#reconnection .chip").evaluate_all(background) == wanted
    rows = page.locator("#reconnection tr:has(.chip) td:first-child").all_inner_texts()
    assert rows == [phase.name for phase in PHASES]
    page.locator("#lane-scroll").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    while not page.locator("#tip .parts i").count():
        page.keyboard.press("ArrowRight")
    assert page.locator("#tip .parts i").evaluate_all(background) == wanted
    for phase in PHASES:
        expect(page.locator("#tip")).to_contain_text(phase.name)


def test_a_plot_draws_a_phase_in_its_colour(show: Opener) -> None:
    page = show(healthy_herd(workers=2, rounds=1)).page
    place = page.evaluate("RUN.distributions.findIndex(plot => plot.name === 'reconnection')")
    strokes = page.evaluate(
        "place => charts.made.find(one => one.root.parentElement.dataset.distribution === String(place))"
        ".series.slice(2).map(one => one.stroke())",
        place,
    )
    assert strokes == [phase.light for phase in PHASES]
