"""The next command restores what a fault left behind, unless a command holds the lab."""

from __future__ import annotations

from pathlib import Path

import pytest

from driver.labs import lab_lock as module
from driver.labs.heal import restore_stale_if_free
from driver.labs.lab_lock import lab_lock, try_lab_lock
from driver.terminal import Terminal
from tests.driver.fakes import FakeEngine


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOCKS", tmp_path / "locks")


def hurt() -> FakeEngine:
    return FakeEngine({"worker-1": "running"}, {"worker-1": ["paused", "unplugged", "limited", "exited"]})


def test_what_only_a_fault_causes_is_undone_and_shown(capsys: pytest.CaptureFixture[str]) -> None:
    engine = hurt()
    restore_stale_if_free(engine, Terminal())
    assert engine.degradations() == {"worker-1": ["exited"]}
    assert "Restored worker-1, which a fault had left paused." in capsys.readouterr().err


@pytest.mark.parametrize("shared", [True, False])
def test_nothing_is_undone_while_a_command_holds_the_lab(shared: bool) -> None:
    engine = hurt()
    with lab_lock(engine.project, "inject", "pause", shared=shared):
        restore_stale_if_free(engine, Terminal())
    assert engine.asked == []
    with try_lab_lock(engine.project) as is_free:
        assert is_free


def test_an_engine_elsewhere_may_have_an_owner_elsewhere() -> None:
    engine = hurt()
    engine.is_local = False
    restore_stale_if_free(engine, Terminal())
    assert engine.asked == []


def test_what_cannot_be_restored_is_a_warning(capsys: pytest.CaptureFixture[str]) -> None:
    engine = hurt()
    engine.refuses = {"unpause"}
    restore_stale_if_free(engine, Terminal())
    assert "worker-1 was left paused by a fault and could not be restored" in capsys.readouterr().err
