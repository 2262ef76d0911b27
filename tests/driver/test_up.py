"""`up` starts no lab on containers that are no lab: what a killed run left, or what Compose made by hand."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from driver.cli.reference import lab_up as module
from driver.cli.reference.lab_up import _up
from driver.engines.engine import Engine, LabSpec
from driver.errors import UsageError
from driver.labs import lab_journals
from driver.reference.labs.lab import Lab, lab_of
from driver.terminal import Terminal
from tests.driver.fakes import SPEC, FakeEngine


@dataclass
class LabEngine(FakeEngine):
    """A lab that was started as `spec` says."""

    spec: LabSpec | None = None
    spec_reads: int = 0

    def existing_spec(self) -> LabSpec | None:
        self.spec_reads += 1
        return self.spec if "down" not in self.asked else None


@pytest.fixture(autouse=True)
def brought_up(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[LabSpec]:
    made: list[LabSpec] = []

    async def bring_up(engine: Engine, spec: LabSpec, workers: int, terminal: Terminal) -> Lab:
        made.append(spec)
        return lab_of(engine, spec)

    monkeypatch.setattr(module, "bring_up", bring_up)
    monkeypatch.setattr(lab_journals, "state_dir", lambda: tmp_path)
    return made


WANTED = replace(SPEC, key="11" * 32)


async def test_a_lab_that_is_up_is_scaled_as_it_was_started(brought_up: list[LabSpec]) -> None:
    engine = LabEngine({"coordinator": "running"}, spec=SPEC)
    await _up(engine, WANTED, 3, Terminal())
    assert brought_up == [SPEC]
    assert engine.asked == []
    assert engine.spec_reads == 1


async def test_what_a_killed_run_left_is_removed_first(brought_up: list[LabSpec], tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text("{}")
    left = replace(SPEC, journals=tmp_path / "journals")
    engine = LabEngine({"coordinator": "running"}, spec=left)
    await _up(engine, WANTED, 3, Terminal())
    assert "down" in engine.asked
    assert brought_up[0].key == WANTED.key


async def test_half_a_lab_is_removed_first(brought_up: list[LabSpec]) -> None:
    engine = LabEngine({"toxiproxy": "running"})
    await _up(engine, WANTED, 3, Terminal())
    assert "down" in engine.asked
    assert len(brought_up) == 1


async def test_containers_that_compose_started_without_a_key_are_refused_with_the_cure() -> None:
    engine = LabEngine({"coordinator": "exited"}, spec=replace(SPEC, key=""))
    with pytest.raises(UsageError, match="without a key") as refused:
        await _up(engine, WANTED, 3, Terminal())
    assert "python lab.py down --project fake" in refused.value.hint
    assert engine.asked == []
