"""Claims about a start that fails half-way, and its removal: the engine and Compose are fakes."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from driver.engines.engine import Container
from driver.errors import EngineError, LabError, NotReadyError, SubnetInUseError
from driver.subprocesses import CommandResult
from driver.systems import lab_of_system, start_watch, system_images, system_removal
from driver.systems.lab_of_system import SystemLab
from driver.systems.resolve_compose import warnings_of
from driver.systems.system_request import SystemRequest
from tests.driver.systems.compose_files import DB, config_of
from tests.driver.systems.test_replicas import DOOR, row


class Engine:
    """The engine's answers; `done` has what was asked of it, in order."""

    is_local = True

    def __init__(self, rows: list[dict[str, Any]]) -> None:
        self.rows = rows
        self.is_up = False
        self.done: list[str] = []
        self.at_removal: Callable[[], None] = lambda: None
        self.comes_later = False
        self.while_it_starts: Callable[[], None] = lambda: None
        self.refusals = 0
        self.images: list[str] = []

    def summaries(self) -> list[dict[str, Any]]:
        return self.rows if self.is_up else []

    def containers(self) -> list[Container]:
        return [Container("db", "db", "id", "i", "running", "")] if self.is_up else []

    def remove(self, one: Container) -> None:
        self.at_removal()
        self.is_up, self.comes_later = self.comes_later, False
        self.done.append(f"remove container {one.name}")

    def remove_networks_and_volumes(self) -> list[str]:
        self.done.append("remove networks and volumes")
        if self.refusals:
            self.refusals -= 1
            raise EngineError("The Docker engine refused a request: volume is in use.")
        return []

    def all_networks(self) -> list[dict[str, Any]]:
        return []

    def image_id(self, name: str) -> str:
        return name

    def exposed_ports(self, image: str) -> list[int]:
        return []

    def restarts(self, container_id: str) -> int:
        return 0

    def compose(
        self, *words: str, heartbeat: Callable[[float, str], object] | None = None, **_: object
    ) -> list[str]:
        self.done.append(f"compose {words[0]}")
        self.is_up = words[0] == "up"
        if heartbeat is not None:
            heartbeat(0.0, "…")
            self.while_it_starts()
        return []

    def inspect_id(self, container_id: str) -> None:
        raise LabError("all was ready")

    def ask(self, argv: list[str], *_: object) -> CommandResult:
        self.done.append(" ".join(argv[1:3]))
        if argv[1:3] == ["image", "rm"]:
            self.images = [one for one in self.images if one not in argv[3:]]
        return CommandResult(0, "\n".join(self.images))


class Clock:
    """Time that passes by `now_s` alone; `slept` has each wait."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return self.now_s

    def monotonic_ns(self) -> int:
        return 0

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now_s += seconds


def lab_with(engine: Engine, tmp_path: Path, patch: pytest.MonkeyPatch, **service: object) -> SystemLab:
    """A lab of this engine, whose file has the service db."""
    patch.setattr(lab_of_system, "DockerSdk", lambda _, name: engine)
    patch.setattr(lab_of_system, "SystemCompose", lambda *_: engine.compose)
    for module in (start_watch, system_images):
        patch.setattr(module, "ask", engine.ask)
    patch.setattr(lab_of_system, "resolve", lambda *_: config_of({"db": {**DB, **service}}))
    return SystemLab("doors-shop-1a2b3c", "stormlab/toxiproxy:test", tmp_path)


def test_a_start_whose_network_was_taken_keeps_the_images_that_it_built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = Engine([row("db", State="exited", Status="Exited (3)")])
    lab = lab_with(engine, tmp_path, monkeypatch, build={"context": "."})
    refusals = iter([SubnetInUseError("taken")])
    compose = engine.compose

    def refuse_once(*words: str, **more: Any) -> list[str]:
        done = compose(*words, **more)
        if words[0] == "up" and (error := next(refusals, None)):
            raise error
        return done

    monkeypatch.setattr(engine, "compose", refuse_once)
    monkeypatch.setattr(lab_of_system, "SystemCompose", lambda *_: refuse_once)
    with pytest.raises(NotReadyError):
        lab.up(SystemRequest((tmp_path / "compose.yaml",)), lambda _: None)
    retried = engine.done.index("compose up", engine.done.index("compose up") + 1)
    assert "remove networks and volumes" in engine.done[:retried]
    assert "image ls" not in engine.done[:retried]
    assert "image ls" in engine.done[retried:]


def test_ctrl_c_does_not_interrupt_the_removal_of_a_start_that_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = Engine([row("db", State="exited", Status="Exited (3)")])
    engine.at_removal = lambda: os.kill(os.getpid(), signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        lab_with(engine, tmp_path, monkeypatch).up(
            SystemRequest((tmp_path / "compose.yaml",)), lambda _: None
        )
    assert engine.done[-3:] == ["remove container db", "remove networks and volumes", "image ls"]


@pytest.mark.parametrize(
    ("rows", "says", "hint"),
    [
        (
            [row("db", State="exited", Status="Exited (3)")],
            r"db\[1\] ended with 3",
            "Does it start without doors",
        ),
        (
            [row("db"), {**DOOR, "State": "exited", "Status": "Exited (0)"}],
            "door of db, mq ended with 0",
            "It is the lab's own",
        ),
    ],
)
def test_a_container_that_ended_ends_the_start_and_the_hint_says_whose_it_is(
    rows: list[dict[str, Any]], says: str, hint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab = lab_with(Engine(rows), tmp_path, monkeypatch)
    with pytest.raises(LabError, match=says) as failed:
        lab.up(SystemRequest((tmp_path / "compose.yaml",)), lambda _: None)
    assert hint in failed.value.hint


def test_down_removes_a_container_that_the_engine_made_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = Engine([row("db")])
    engine.is_up = engine.comes_later = True
    assert lab_with(engine, tmp_path, monkeypatch).down() == 2
    assert engine.containers() == []


def test_a_volume_that_a_container_being_made_still_uses_is_removed_once_it_is_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine, clock = Engine([row("db")]), Clock()
    engine.refusals = 3
    monkeypatch.setattr(system_removal, "time", clock)
    assert lab_with(engine, tmp_path, monkeypatch).down() == 0
    assert engine.done.count("remove networks and volumes") == 4


def test_what_a_start_left_and_cannot_be_removed_is_added_to_why_it_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine, clock = Engine([row("db", State="exited", Status="Exited (3)")]), Clock()
    engine.refusals = 1_000
    monkeypatch.setattr(system_removal, "time", clock)
    with pytest.raises(NotReadyError, match=r"(?s)db\[1\] ended with 3.*volume is in use") as failed:
        lab_with(engine, tmp_path, monkeypatch).up(
            SystemRequest((tmp_path / "compose.yaml",)), lambda _: None
        )
    assert "Does it start without doors" in failed.value.hint
    assert "lab.py down" in failed.value.hint
    assert clock.now_s < 10.0


@pytest.mark.parametrize(
    ("service", "kind"),
    [
        ({"State": "exited", "Status": "Exited (3)"}, NotReadyError),
        ({"State": "created", "Status": "Created"}, EngineError),
        ({}, EngineError),
    ],
)
def test_a_compose_that_failed_is_the_engines_error_unless_a_container_failed(
    service: dict[str, Any], kind: type[LabError], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = Engine([row("db", **service)])

    def no_space(*words: str, **_: object) -> list[str]:
        engine.is_up = True
        raise EngineError("no space left on device")

    monkeypatch.setattr(engine, "compose", no_space)
    monkeypatch.setattr(engine, "inspect_id", lambda _: {"State": {"ExitCode": 0}})
    with pytest.raises(kind, match="no space left"):
        lab_with(engine, tmp_path, monkeypatch).up(
            SystemRequest((tmp_path / "compose.yaml",)), lambda _: None
        )


def test_down_removes_no_image_by_a_tag_of_the_users(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = Engine([])
    engine.images = ["mine:latest", "doors-shop-1a2b3c-api:latest", "<none>:<none>"]
    lab_with(engine, tmp_path, monkeypatch).down()
    assert engine.images == ["mine:latest", "<none>:<none>"]


@pytest.mark.parametrize(("started_s", "waits"), [(2.0, False), (1.9, True)])
def test_a_container_is_steady_since_it_ran_while_compose_started_others(
    started_s: float, waits: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine, clock = Engine([row("db")]), Clock()
    engine.while_it_starts = lambda: clock.sleep(started_s)
    monkeypatch.setattr(start_watch, "time", clock)
    with pytest.raises(LabError, match="all was ready"):
        lab_with(engine, tmp_path, monkeypatch).up(
            SystemRequest((tmp_path / "compose.yaml",)), lambda _: None
        )
    assert bool(clock.slept[1:]) == waits


def test_what_a_health_check_printed_last_is_the_cause_that_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = Engine([row("db", Status="Up 9 seconds (unhealthy)")])
    log = [{"ExitCode": 0, "Output": "fine"}, {"ExitCode": 7, "Output": "no\nroute \x1b[31m" + 900 * "x"}]
    monkeypatch.setattr(
        engine, "inspect_id", lambda _: {"RestartCount": 0, "State": {"Health": {"Log": log}}}
    )
    request = SystemRequest((tmp_path / "a b.yaml",), ("dev",))
    with pytest.raises(NotReadyError, match="Its health check ended with 7: no route") as failed:
        lab_with(engine, tmp_path, monkeypatch).up(request, lambda _: None)
    assert "\x1b" not in failed.value.sentence
    assert len(failed.value.sentence) < 700
    assert f"docker compose -f '{tmp_path}/a b.yaml' --profile dev up --wait" in failed.value.hint


def test_a_warning_of_compose_is_a_note_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine, said = Engine([row("db")]), list[str]()
    lab = lab_with(engine, tmp_path, monkeypatch)
    config = msgspec.structs.replace(config_of({"db": DB}), warnings=("X is not set",))
    monkeypatch.setattr(lab_of_system, "resolve", lambda *_: config)
    request = SystemRequest((tmp_path / "compose.yaml",))
    for _ in range(2):
        lab.prepare(request, said.append)
    assert said.count("note: Compose warns: X is not set") == 1


def test_warnings_are_read_from_what_compose_prints() -> None:
    line = 'time="2026-12-01T01:42:34Z" level=warning msg="The \\"A\\" variable is not set."'
    assert warnings_of(f'{line}\n{line}\nlevel=info msg="x"\n') == ('The "A" variable is not set.',)


def test_a_compose_that_failed_for_a_health_check_shows_that_check_in_place_of_its_own_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = Engine([row("db", Status="Up 9 seconds (unhealthy)")])

    def fails(*words: str, **_: object) -> list[str]:
        engine.is_up = True
        raise EngineError("its last lines: Waiting")

    monkeypatch.setattr(engine, "compose", fails)
    details = {"RestartCount": 0, "State": {"Health": {"Log": [{"ExitCode": 1, "Output": "refused"}]}}}
    monkeypatch.setattr(engine, "inspect_id", lambda _: details)
    with pytest.raises(NotReadyError, match="Its health check ended with 1: refused") as failed:
        lab_with(engine, tmp_path, monkeypatch).up(SystemRequest((tmp_path / "c.yaml",)), lambda _: None)
    assert "Waiting" not in failed.value.sentence
    assert "up --wait" in failed.value.hint
