"""Claims about how a fault ended: as planned, by its lease, by a removal, or by the heal."""

from __future__ import annotations

from dataclasses import replace

from driver.histories.events import Healed
from driver.judging.receipts import prove
from tests.driver.scenario.line import Line, during
from tests.driver.scenario.prober_story import S, Story
from tests.driver.scenario.receipt_lines import (
    BEGIN_S,
    END_S,
    FROM_S,
    HIT,
    LINKS,
    SPARED,
    UNTIL_S,
    act,
    late_line,
    receipt,
)


def test_a_lease_that_ran_out_is_not_an_end_as_planned() -> None:
    fault = act("latency", mean="100ms")
    early = {HIT: round(28 * S)}
    cut_short = replace(fault, ended_because="lease", ended_ns=early, end_planned_ns=round(END_S * S))
    line = Line(HIT, up_ms=during(BEGIN_S, 28, 100), down_ms=during(BEGIN_S, 28, 100))
    proof = receipt(cut_short, line)
    assert not proof.proved
    assert "its lease ran out 12.0 s before its end" in proof.because


def test_a_fault_that_was_deleted_early_did_not_end_as_planned() -> None:
    line = Line(HIT, up_ms=during(BEGIN_S, 28, 100), down_ms=during(BEGIN_S, 28, 100))
    early = {HIT: round(28 * S)}
    fault = replace(act("latency", mean="100ms"), ended_because="deleted", ended_ns=early)
    assert receipt(replace(fault, end_planned_ns=round(28 * S)), line).proved
    proof = receipt(replace(fault, end_planned_ns=round(END_S * S)), line)
    assert not proof.proved
    assert "it ended 12.0 s before its end (deleted)" in proof.because


def test_a_fault_that_was_removed_from_a_link_is_not_proved() -> None:
    fault = replace(act("latency", mean="100ms"), ended_because="deleted")
    assert receipt(fault, late_line()).proved
    proof = receipt(replace(fault, absent=(HIT,)), late_line())
    assert not proof.proved
    assert "Toxiproxy no longer had it on worker-1" in proof.because


def test_a_link_that_healing_found_hurt_was_not_healed_by_its_last_fault() -> None:
    fault = replace(act("latency", mean="100ms"), ended_because="deleted")
    for hurt, proved in (([], True), ([HIT], False), ([SPARED], True)):
        story = Story()
        late_line().emit(story, FROM_S, UNTIL_S)
        Line(SPARED).emit(story, FROM_S, UNTIL_S)
        story.add(Healed, 47, "driver", links=hurt, containers=[], left=[], took_ms=1.0)
        proof = prove([fault], story.history(), LINKS)[0]
        assert proof.proved == proved
        assert proved or "the heal found it still on worker-1" in proof.because
