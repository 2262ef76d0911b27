"""Processes of a lab end in order; one that the control groups do not show, or that goes on, is stopped."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import pytest

from driver.engines import labelled_containers
from driver.engines.cgroups import has_processes
from driver.engines.engine import Container
from driver.engines.labelled_containers import LabelledContainers, end_in_order
from driver.errors import EngineError

NAMES = {"worker-1": "worker", "worker-2": "worker", "prober": "prober", "coordinator": "coordinator"}


@dataclass
class Engine:
    """Containers whose processes end when they are asked to, but for the `stubborn`; some are `hidden`."""

    stubborn: set[str] = field(default_factory=set)
    hidden: set[str] = field(default_factory=set)
    gone: set[str] = field(default_factory=set)
    asked: list[tuple[str, str]] = field(default_factory=list)
    running: set[str] = field(default_factory=lambda: set(NAMES))

    def containers(self) -> list[Container]:
        return [Container(name, service, name, "", "running", "") for name, service in NAMES.items()]

    def unpause(self, name: str) -> None: ...

    def terminate(self, name: str) -> None:
        self.asked.append(("terminate", name))
        if name in self.gone:
            self.running.discard(name)
            raise EngineError("It is not running.")
        if name not in self.stubborn:
            self.running.discard(name)

    def stop(self, name: str, grace_s: float) -> None:
        self.asked.append((f"stop {grace_s:g}", name))

    def has_processes(self, container_id: str) -> bool | None:
        return None if container_id in self.hidden else container_id in self.running


def ended(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    monkeypatch.setattr(labelled_containers, "has_processes", engine.has_processes)
    end_in_order(cast(LabelledContainers, engine), grace_s=0.1)
    return engine.asked


def test_all_are_asked_to_end_and_what_others_depend_on_last(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = ended(Engine(), monkeypatch)
    assert sorted(asked[:3]) == [("terminate", name) for name in ("prober", "worker-1", "worker-2")]
    assert asked[3:] == [("terminate", "coordinator")]


def test_one_that_goes_on_is_stopped_at_once_and_one_that_is_not_shown_in_its_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = ended(Engine(stubborn={"worker-1"}, hidden={"worker-2"}), monkeypatch)
    stops = [one for one in asked if one[0].startswith("stop")]
    assert stops == [("stop 0.1", "worker-2"), ("stop 0", "worker-1")]
    assert asked.index(("stop 0", "worker-1")) < asked.index(("terminate", "coordinator"))


def test_one_that_ended_meanwhile_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not any(how.startswith("stop") for how, _ in ended(Engine(gone={"prober"}), monkeypatch))


@pytest.mark.parametrize("inside", ["docker/a1", "system.slice/docker-a1.scope", "freezer/docker/a1"])
def test_a_control_group_shows_whether_a_container_has_a_process(tmp_path: Path, inside: str) -> None:
    assert has_processes("a1", tmp_path) is None
    (tmp_path / inside).mkdir(parents=True)
    procs = tmp_path / inside / "cgroup.procs"
    procs.write_text("12\n13\n")
    assert has_processes("a1", tmp_path) is True
    procs.write_text("")
    assert has_processes("a1", tmp_path) is False
