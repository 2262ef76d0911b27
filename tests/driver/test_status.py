"""`status` describes a lab truly: whole, in part, without links, or in another command's hands."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from driver.cli import options
from driver.cli.main import run
from driver.cli.reference import lab_status
from driver.engines.engine import LabSpec
from driver.errors import ContainerGoneError
from driver.labs import lab_lock
from driver.labs.lab_lock import lab_lock as hold
from driver.labs.toxiproxy_api import LinkState
from tests.driver.fakes import SPEC, FakeEngine
from wire.control import CoordinatorState, TaskCounts, WorkerState

CORE = ("coordinator", "toxiproxy")


class Engine(FakeEngine):
    """Containers, of which some leave while they are looked at."""

    leaving = 0

    def existing_spec(self) -> LabSpec | None:
        if self.leaving:
            self.leaving -= 1
            raise ContainerGoneError("There is no container coordinator.")
        return SPEC if all(name in self.statuses for name in CORE) else None


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Engine:
    made = Engine(dict.fromkeys((*CORE, "worker-1", "worker-2"), "running"))
    monkeypatch.setattr(options, "engine_of", lambda project: made)
    monkeypatch.setattr(lab_lock, "LOCKS", tmp_path / "locks")

    async def answer(*_: object) -> CoordinatorState:
        workers = [WorkerState(f"worker-{n}", "connected", "s", 0, 1, 1, 0) for n in (1, 2, 7)]
        return CoordinatorState(1, 1, False, TaskCounts(0, 0, 0, 0, 0), {}, workers, {})

    links = [LinkState("worker-1", "[::]:20001", "10.231.0.2:8765", True, 1, 1, 0, 0, [], [])]
    monkeypatch.setattr(lab_status, "_state", answer)
    monkeypatch.setattr(
        lab_status, "lab_of", lambda *_: SimpleNamespace(links=SimpleNamespace(states=lambda: links))
    )
    return made


def shown(capsys: pytest.CaptureFixture[str], *flags: str) -> str:
    assert run(["status", "--project", "fake", *flags]) == 0
    return capsys.readouterr().out


def test_a_worker_without_a_link_is_named_with_the_command_that_makes_links(
    engine: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    found = shown(capsys)
    assert "worker-2 has no link: lab.py makes the links, and did not start them." in found
    assert "Run: python lab.py up --workers 2 --project fake" in found
    assert json.loads(shown(capsys, "--json"))["without_link"] == ["worker-2"]


def test_workers_that_were_scaled_away_count_no_more(
    engine: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "2 of 2 workers connected" in shown(capsys)


@pytest.mark.parametrize(
    ("link_faults", "containers"), [(["latency-1"], {}), ([], {"worker-1": ["unplugged"]})]
)
def test_connected_workers_under_a_fault_are_counted(
    engine: Engine, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
    link_faults: list[str], containers: dict[str, list[str]],
) -> None:  # fmt: skip
    link = LinkState("worker-1", "[::]:20001", "10.231.0.2:8765", True, 1, 1, 0, 0, [], link_faults)
    monkeypatch.setattr(lab_status, "_links", lambda _: [link])
    monkeypatch.setattr(engine, "degradations", lambda: containers)
    assert "2 of 2 workers connected, 1 of them under faults; tasks: " in shown(capsys)


def test_the_command_that_uses_the_lab_is_named(engine: Engine, capsys: pytest.CaptureFixture[str]) -> None:
    with hold("fake", "scenario", "slow_link"):
        assert "In use by `scenario slow_link` (pid " in shown(capsys)
        (holder,) = json.loads(shown(capsys, "--json"))["in_use_by"]
    assert holder["words"] == ["scenario", "slow_link"]
    assert "In use" not in shown(capsys)


def test_a_part_of_a_lab_is_called_a_part(engine: Engine, capsys: pytest.CaptureFixture[str]) -> None:
    del engine.statuses["coordinator"]
    assert "Only a part of the lab is there." in shown(capsys)
    assert json.loads(shown(capsys, "--json"))["up"] is False


def test_containers_that_leave_while_it_looks_are_no_error(
    engine: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    engine.leaving = 3
    assert "worker-1" in shown(capsys)


def test_no_lab_is_no_error(engine: Engine, capsys: pytest.CaptureFixture[str]) -> None:
    engine.statuses.clear()
    assert shown(capsys) == "No lab named 'fake' is up.\n"


def test_a_fault_by_hand_is_called_so_and_not_by_its_id() -> None:
    faults = ["by-hand-877eba-1", "by-hand-0a0a0a-1", "herd-1"]
    link = LinkState("worker-1", "[::]:1", "c:1", True, 1, 1, 0, 0, [], faults)
    assert lab_status._as_link(link) == "by hand, herd-1"


def test_a_link_that_could_not_be_read_in_time_is_stuck_and_not_clean() -> None:
    link = LinkState("worker-1", "[::]:1", "c:1", True, 1, 1, 0, 0, [], [], stuck=True)
    assert lab_status._as_link(link) == "stuck"
