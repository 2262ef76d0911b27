"""The suite runs on every engine that was asked for."""

from __future__ import annotations

from driver.engines.catalogue import KINDS
from tests.conformance import engines


def test_every_engine_that_was_asked_for_is_there_and_answers() -> None:
    wrong = {name: engines.unavailable().get(name, "no such engine") for name in engines.asked()}
    assert not {name: why for name, why in wrong.items() if why}


def test_there_is_an_engine_to_run_on() -> None:
    assert engines.running(), engines.said()


def test_what_does_not_run_is_said_with_its_reason() -> None:
    assert len(engines.said()) == len(KINDS)
    assert all(line.partition(": ")[2] for line in engines.said())
