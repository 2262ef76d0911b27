"""What a fault left behind is undone by whoever comes next, unless its owner lives."""

from __future__ import annotations

from pathlib import Path

import pytest

from driver.labs import hold
from driver.labs.hold import held, is_held
from driver.labs.orphans import restore_orphans
from driver.terminal import Terminal
from tests.driver.fakes import FakeEngine


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hold, "state_dir", lambda: tmp_path)


def hurt() -> FakeEngine:
    return FakeEngine({"worker-1": "running"}, {"worker-1": ["paused", "unplugged", "limited", "exited"]})


def test_what_only_a_fault_does_is_undone_and_told(capsys: pytest.CaptureFixture[str]) -> None:
    engine = hurt()
    restore_orphans(engine, Terminal())
    assert engine.hurts() == {"worker-1": ["exited"]}
    assert "Restored worker-1, which a fault had left paused." in capsys.readouterr().err


def test_nothing_is_undone_while_its_owner_lives() -> None:
    engine = hurt()
    with held(engine.project):
        assert is_held(engine.project)
        restore_orphans(engine, Terminal())
    assert engine.asked == []
    assert not is_held(engine.project)


def test_several_may_have_their_hands_on_one_lab() -> None:
    with held("lab"), held("lab"):
        assert is_held("lab")
        assert not is_held("another")


def test_an_engine_elsewhere_may_have_an_owner_elsewhere() -> None:
    engine = hurt()
    engine.is_local = False
    restore_orphans(engine, Terminal())
    assert engine.asked == []


def test_what_cannot_be_restored_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    engine = hurt()
    engine.refuses = {"unpause"}
    restore_orphans(engine, Terminal())
    assert "worker-1 was left paused by a fault and could not be restored" in capsys.readouterr().err
