"""The section of the reports: a sentence first, figures with their ranges, no text from outside as markup."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from driver.forensics.analysis import analyse
from driver.histories.history import History
from driver.metrics import measure
from driver.reference.advice import advise
from driver.report.charts.gap_plot import HEIGHT, LEFT, MOST_DOTS, WIDTH, GapPlot, gap_plot
from driver.report.forensics_section import ForensicsSection, forensics_section
from driver.report.write import HTML, MARKDOWN, write_report
from tests.driver.forensics.fleets import Fleet, write
from tests.driver.forensics.strangers import stranger_history
from tests.driver.judge.histories import Past, healthy_herd, small
from wire import events as wire
from wire.settings import CoordinatorSettings

HOSTILE = "<script>alert(1)</script>\x1b[31m|`*x*"


def said(policy: str, rounds: int = 2, **more: Any) -> ForensicsSection:
    return forensics_section(analyse(Fleet((policy,), 20, rounds, (12.0, 12.0), seed=3, **more).history()))


def said_where_twenty_are_let_in_each_second(policy: str) -> ForensicsSection:
    """The coordinator's advice to twenty workers is then a cap of a second."""
    return said(policy, settings=CoordinatorSettings(admission_per_s=20.0))


def drawn(policy: str, **more: Any) -> GapPlot:
    found = gap_plot(analyse(Fleet((policy,), 20, 2, seed=3, **more).history()))
    assert found is not None
    return found


def hostile() -> Past:
    past = healthy_herd(workers=6, rounds=1)
    past.emit("worker-2", wire.BackoffStarted, 12.5, attempt=1, delay_ms=1.0, policy=HOSTILE)
    past.fault(HOSTILE, "blackhole", ["worker-1"], 20, 4)
    past.forget("coordinator", wire.WorkerLost)
    return past


def test_a_policy_is_reported_with_base_cap_lead_and_how_much_it_rests_on() -> None:
    says = said("full_jitter", base_ms=200, cap_ms=3_000).says
    assert re.fullmatch(
        r"The attempts fit policy full_jitter with a base of (19|20|21)0 ms and a cap of (2\.9|3|3\.1) s: "
        r"more than a million times likelier than \w+, from [\d,]+ gaps in 40 outages\.",
        says,
    )


def test_settings_that_name_another_policy_of_the_catalogue_are_contradicted_by_the_gaps() -> None:
    history = Fleet(("fixed",), 10, 2).history()
    for event in history.of(wire.BackoffStarted):
        msgspec.structs.force_setattr(event, "policy", "full_jitter")
    assert (
        forensics_section(analyse(history)).also[0]
        == "The workers' own settings name full_jitter: the gaps contradict that."
    )


def test_settings_that_name_a_policy_outside_the_catalogue_are_never_contradicted() -> None:
    history = Fleet(("fixed",), 10, 2).history()
    for event in history.of(wire.BackoffStarted):
        msgspec.structs.force_setattr(event, "policy", "fibonacci")
    assert forensics_section(analyse(history)).also[0] == (
        "The workers' own settings name fibonacci; "
        "fibonacci is not a known policy, so the gaps cannot confirm it."
    )


def test_a_policy_outside_the_catalogue_is_reported_by_its_waits_and_nothing_is_replayed() -> None:
    found = forensics_section(analyse(stranger_history("fibonacci_30", seed=1)))
    assert found.says.startswith("None of the known policies made these gaps (")
    assert found.waits is not None
    assert [row[0] for row in found.waits.rows[:3]] == ["1", "2", "3"]
    assert found.what_if == ()
    assert found.what_if_says.endswith("or the policy is not a known one.")


def test_the_picture_of_many_gaps_keeps_dots_of_every_attempt() -> None:
    found = drawn("full_jitter", base_ms=100, cap_ms=400)
    assert len(found.dots) == MOST_DOTS
    column = (WIDTH - LEFT) / len(found.numbers)
    columns = {int((x - LEFT) / column) for x, _ in found.dots}
    assert columns >= set(range(len(found.numbers)))


def test_a_name_that_is_not_sure_is_reported_with_what_would_help() -> None:
    life = Fleet(("slotted",), 4, 1, (2.0, 2.0), seed=3)
    says = forensics_section(analyse(life.history())).says
    assert re.search(
        r"best, but not certainly: .* than \w+, .* About \d+ more such attempts would distinguish", says
    )


def test_a_recommendation_has_a_figure_with_its_range() -> None:
    says = said_where_twenty_are_let_in_each_second("seed").what_if_says
    assert re.match(
        r"seed → slotted \(cap 1 s\): all back in [\d.]+ m?s \(.* to .*\) instead of [\d.]+ s \(", says
    )


def test_the_policy_as_it_was_and_the_better_one_are_marked() -> None:
    rows = said_where_twenty_are_let_in_each_second("seed").what_if
    marks = {row.policy: row.mark for row in rows if row.mark}
    assert marks == {"seed": "as it was", "slotted": "better"}


def test_a_run_that_something_else_decided_gets_no_recommendation() -> None:
    history = Fleet(("seed",), 10, 1, (10.0, 10.0)).history()
    # The last attempt of each came long after it was due, as if the machine had slept.
    back = {event.by: event.attempt for event in history.of(wire.Connected) if event.attempt > 1}
    ends: list[wire.Connected | wire.Connecting] = [*history.of(wire.Connected), *history.of(wire.Connecting)]
    for event in ends:
        if event.attempt == back.get(event.by):
            msgspec.structs.force_setattr(event, "at_ns", event.at_ns + 40_000_000_000)
    says = forensics_section(analyse(history)).what_if_says
    assert "something other than the policy decided" in says


def test_a_run_without_an_outage_says_so_in_one_sentence() -> None:
    found = forensics_section(analyse(small().history()))
    assert found == ForensicsSection("No connection was lost: there is nothing to reconstruct.")


@pytest.mark.parametrize(
    "policy", ["none", "exponential", "full_jitter", "decorrelated", "websockets", "seed"]
)
def test_every_mark_of_the_picture_is_inside_it(policy: str) -> None:
    found = drawn(policy)
    assert 0 < len(found.dots) <= MOST_DOTS
    for x, y in found.dots:
        assert LEFT <= x <= WIDTH
        assert 0 <= y <= found.floor
    for x, y, width, height in found.bands:
        assert LEFT <= x <= x + width <= WIDTH
        assert -2 <= y <= y + height <= HEIGHT
    assert len(found.lengths) >= 3


def test_dots_of_a_well_named_policy_lie_in_its_bands() -> None:
    found = drawn("full_jitter")
    inside = sum(
        any(
            left <= x <= left + width and top - 4 <= y <= top + height + 4
            for left, top, width, height in found.bands
        )
        for x, y in found.dots
    )
    assert inside >= 0.95 * len(found.dots)


# -- advice --------------------------------------------------


def advice(history: History) -> dict[str, str]:
    return {one.name: one.brings for one in advise(history, measure(history))}


def test_a_fleet_that_slept_too_long_is_advised_another_policy_with_the_figure() -> None:
    found = advice(Fleet(("seed",), 20, 2, (12.0, 12.0), seed=3).history())
    assert "all back in" in found["other_policy"]


def test_a_fleet_with_a_good_policy_is_not() -> None:
    assert "other_policy" not in advice(Fleet(("slotted",), 20, 2, (12.0, 12.0), seed=3).history())


def test_long_zombies_give_advice_to_detect_sooner() -> None:
    past = Past(1)
    past.begin()
    past.fault("hole", "blackhole", ["worker-1"], 10, 8)
    past.emit("worker-1", wire.ConnectionLost, 11, session="", kind="reset", detail="", silent_ms=1_000.0)
    past.connect("worker-1", 19, outcome="resumed")
    past.end(60)
    assert "about 4 s" in advice(past.history())["zombies_linger"]


# -- the pages -----------------------------------------------


def test_both_reports_have_it(tmp_path: Path) -> None:
    folder = write(Fleet(("seed",), 12, 2, (12.0, 12.0)).history(), tmp_path / "20261124T021500Z-herd")
    write_report(folder)
    for text in ((folder / MARKDOWN).read_text(), (folder / HTML).read_text()):
        assert "fit policy seed" in text
        assert "all back in" in text
        assert "as it was" in text
        assert "the coordinator" in text


def test_names_from_outside_reach_neither_report_as_markup(tmp_path: Path) -> None:
    folder = hostile().write(tmp_path / "20261124T021500Z-herd")
    write_report(folder)
    page, text = (folder / HTML).read_text(), (folder / MARKDOWN).read_text()
    assert "\x1b" not in page + text
    assert "<script>alert" not in page
    # An escaped backtick begins no code span.
    assert "<script>alert" not in re.sub(r"`[^`]*`", "", text.replace("\\`", ""))
    found = page[page.index('id="reconnection"') : page.index('id="clients"')]
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in found


def test_what_is_missing_is_said_in_both(tmp_path: Path) -> None:
    past = healthy_herd()
    del past.lines["coordinator"]
    folder = past.write(tmp_path / "20261124T021500Z-herd")
    write_report(folder)
    for name in (HTML, MARKDOWN):
        assert "journal is missing: its detection times" in (folder / name).read_text()
