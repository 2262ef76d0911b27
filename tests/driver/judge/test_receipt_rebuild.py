"""`judge` uses no stored receipt: it rebuilds each from the driver's calls and the prober's observations."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from driver.histories import events as driver
from driver.histories.history import History
from driver.judging.receipt_rebuild import rebuild_receipts
from driver.judging.verdict import RunOutcome
from driver.results.judged_run import judge_run
from tests.driver.judge.histories import Past, healthy_herd
from tests.driver.scenario.prober_story import S, Story
from tests.driver.scenario.test_receipts import BEGIN_S, END_S, HIT, LINKS, SPARED, refused


def history(*, seen: bool, proved: bool, called_s: float = BEGIN_S) -> History:
    """A refusal of two links that the prober saw, or did not; and what the driver wrote of it."""
    story = Story()
    for link in LINKS:
        if seen and link in HIT:
            refused(story, link)
        else:
            story.well(link, 10, 38)
    named = {"fault": "f1", "kind": "refuse", "targets": HIT}
    begin_ns, end_ns = round(BEGIN_S * S), round(END_S * S)
    story.add(
        driver.FaultBegun, BEGIN_S, "driver", planned_ns=begin_ns, params=msgspec.Raw(b"{}"), cuts=True,
        called_ns=round(called_s * S), began_ns=dict.fromkeys(HIT, begin_ns), **named,
    )  # fmt: skip
    story.add(
        driver.FaultEnded, END_S, "driver", planned_ns=end_ns, called_ns=end_ns,
        ended_ns=dict.fromkeys(HIT, end_ns), because="deleted", **named,
    )  # fmt: skip
    story.add(
        driver.Receipt, 40, "driver", fault="f1", kind="refuse", proved=proved, because="as written", hit=HIT,
        missed=[], spared=SPARED, strayed=[], observers=["prober"],
    )  # fmt: skip
    return story.history()


@pytest.mark.parametrize("written", [True, False])
@pytest.mark.parametrize("seen", [True, False])
def test_a_receipt_says_what_the_lines_show_whatever_was_written(seen: bool, written: bool) -> None:
    run = history(seen=seen, proved=written)
    differ = rebuild_receipts(run, LINKS)
    (receipt,) = run.of(driver.Receipt)
    assert receipt.proved is seen, receipt.because
    assert receipt.because != "as written"
    assert len(differ) == (seen is not written)


def test_a_difference_is_reported_with_its_reason() -> None:
    (sentence,) = rebuild_receipts(history(seen=False, proved=True), LINKS)
    assert "f1 was recorded as proved; rebuilt from the journals it is not proved: " in sentence


def test_a_receipt_that_both_agree_upon_is_the_line_that_was_written() -> None:
    run = history(seen=True, proved=True)
    rebuild_receipts(run, LINKS)
    again = run.of(driver.Receipt)[0]
    rebuild_receipts(run, LINKS)
    assert run.of(driver.Receipt)[0] is again


def test_the_receipts_of_an_older_lab_stay_as_they_were_written() -> None:
    run = history(seen=False, proved=True, called_s=0)
    assert rebuild_receipts(run, LINKS) == []
    assert run.of(driver.Receipt)[0].because == "as written"


def test_one_line_as_an_older_lab_wrote_it_lets_no_receipt_hold() -> None:
    run = history(seen=False, proved=True)
    (begun,) = run.of(driver.FaultBegun)
    run.put(driver.FaultBegun, [begun, msgspec.structs.replace(begun, fault="f2", called_ns=0)])
    rebuild_receipts(run, LINKS)
    assert not any(receipt.proved for receipt in run.of(driver.Receipt))


def all_written_down(past: Past, **changed: object) -> Past:
    """The same, as a driver of today writes it: with the instants at which it asked for each fault."""
    past.lines["driver"] = [
        msgspec.structs.replace(event, called_ns=event.at_ns, **changed)
        if isinstance(event, driver.FaultBegun)
        else event
        for event in past.lines["driver"]
    ]
    return past


def test_a_run_whose_receipts_no_line_supports_is_inconclusive(tmp_path: Path) -> None:
    past = healthy_herd()
    assert judge_run(past.write(tmp_path / "before")).verdict.verdict is RunOutcome.passed
    verdict = judge_run(all_written_down(past).write(tmp_path / "after")).verdict
    assert verdict.verdict is RunOutcome.inconclusive
    assert "faults_were_proved" in verdict.because
    assert any("was recorded as proved; rebuilt" in note for note in verdict.notes)


def test_a_fault_that_the_catalogue_does_not_have_makes_no_receipt(tmp_path: Path) -> None:
    verdict = judge_run(all_written_down(healthy_herd(), kind="storm").write(tmp_path / "run")).verdict
    assert verdict.verdict is RunOutcome.inconclusive
    assert any("no receipt could be made" in finding.because for finding in verdict.findings)
