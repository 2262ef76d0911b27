"""Claims about commands with --system that need no engine: wrong use is one sentence and exit code 64."""

from __future__ import annotations

import os
import signal
from dataclasses import replace
from pathlib import Path
from typing import cast

import click
import pytest
from msgspec import structs

from driver.cli import completers, options, system_lab, system_place
from driver.cli.main import run
from driver.cli.reference import lab_place
from driver.cli.run_system import system_in_use
from driver.cli.system_lab import _as_json, _as_removed, _as_text
from driver.errors import NoLabError, UsageError
from driver.exit_codes import ExitCode
from driver.labs import lab_lock
from driver.systems import system_kinds
from driver.systems.compose_config import system_of
from driver.systems.lab_of_system import StartedSystem
from driver.systems.replicas import PublishedAddress
from driver.systems.resolve_compose import refuse_unknown_profiles
from driver.systems.system_file import write_system_file
from driver.systems.system_kinds import SystemLabControl
from driver.systems.system_request import SystemRequest, project_of
from tests.driver.systems.compose_files import DB, config_of, planned
from tests.driver.systems.test_system_file import FILE as SYSTEM_FILE


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        ("up --system c.yaml --listens db", "--listens takes a service and a port; found 'db'."),
        ("up --system c.yaml --listens db:70000", "found 'db:70000'."),
        ("up --system c.yaml --listens :80", "found ':80'."),
        ("up --listens db:80", "--listens needs --system FILE."),
        ("up -f c.yaml", "-f needs --system FILE."),
        ("up --profile dev", "--profile needs --system FILE."),
        ("up --egress api", "--egress needs --system FILE."),
        ("up --bypass api", "--bypass needs --system FILE."),
        ("up --any-ports", "--any-ports needs --system FILE."),
        ("up --system c.yaml --workers 3", "--workers is for the lab, and takes no --system."),
        ("up --system c.yaml --port 9000", "--port is for the lab, and takes no --system."),
        ("up --system c.yaml --prometheus", "--prometheus is for the lab, and takes no --system."),
        ("up --system c.yaml --project x", "--project is for the lab, and takes no --system."),
        ("down --system c.yaml --project x", "--project is for the lab, and takes no --system."),
        ("heal --system c.yaml --project x", "--project is for the lab, and takes no --system."),
        ("inject cut --links api->db", "--links needs --system FILE."),
        ("inject cut --system c.yaml --workers 3", "--workers is for the lab, and takes no --system."),
        ("links", "Missing option '--system'."),
        ("system up c.yaml", "There is no command 'system'."),
        ("links --system no.yaml", "no.yaml is no file, and no system of it is up."),
        ("inject cut --system no.yaml", "no.yaml is no file, and no system of it is up."),
        ("heal --system no.yaml", "no.yaml is no file, and no system of it is up."),
        ("faults --system no.yaml", "no.yaml is no file, and no system of it is up."),
        ("status --system no.yaml", "no.yaml is no file, and no system of it is up."),
        ("logs --system no.yaml", "no.yaml is no file, and no system of it is up."),
    ],
)
def test_wrong_use_is_explained_in_a_sentence(
    argv: str, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(argv.split()) == ExitCode.WRONG_USE
    assert says in capsys.readouterr().err


@pytest.mark.parametrize(("given", "known"), [("x", ["dev", "test"]), ("dev", [])])
def test_a_profile_that_no_service_has_is_refused(given: str, known: list[str]) -> None:
    there = "It can be: dev, test" if known else "It takes none"
    with pytest.raises(UsageError, match=f"--profile {given}: no service of c.yaml .*{there}"):
        refuse_unknown_profiles("c.yaml", [given], known)


def test_a_profile_that_a_service_has_and_all_of_them_are_accepted() -> None:
    refuse_unknown_profiles("c.yaml", ["dev", "*"], ["dev"])


STARTED = StartedSystem(
    system_of(config_of({"db": DB, "api": {"image": "a"}}), {}),
    planned(config_of({"db": DB, "api": {"image": "a"}})),
    portless=("api",),
    differences=("fresh and empty: volume data (external)",),
    published=(PublishedAddress("db", 5432, "127.0.0.1:32770"),),
)


def test_what_up_prints_counts_names_and_quotes() -> None:
    first, *others = _as_text(Path("my shop/c.yaml"), "doors-x", STARTED, 1.25)
    assert first == "'shop' is up as the project 'doors-x': 2 services, 1 door, 1 link (1.2 s)."
    assert others == [
        "  no door       api (no port)",
        "  differs       fresh and empty: volume data (external)",
        "  published     db:5432 is 127.0.0.1:32770",
        "  links         python lab.py links --system 'my shop/c.yaml'",
        "  look          python lab.py status --system 'my shop/c.yaml'",
        "  inject        python lab.py inject stall --links '*->*' --for 10s --system 'my shop/c.yaml'",
        "  take down     python lab.py down --system 'my shop/c.yaml'",
    ]


def test_up_says_the_same_in_json() -> None:
    answer = _as_json("doors-x", STARTED)
    assert answer["no_door"] == ["api"]
    assert answer["differences"] == ["fresh and empty: volume data (external)"]
    assert answer["published"] == [{"service": "db", "port": 5432, "address": "127.0.0.1:32770"}]


class Interrupted:
    """A system whose start gets SIGTERM; `ended` has the error that ended it."""

    def __init__(self) -> None:
        self.ended: list[type[BaseException]] = []

    def ensure_images(self, names: object, say: object) -> None:
        return

    def up(self, request: object, say: object) -> StartedSystem:
        try:
            os.kill(os.getpid(), signal.SIGTERM)
        except BaseException as error:
            self.ended.append(type(error))
            raise
        return STARTED


def test_sigterm_ends_a_start_as_ctrl_c_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lab = Interrupted()
    monkeypatch.setattr(lab_lock, "LOCKS", tmp_path / "locks")
    kind = replace(system_kinds.kind_of(tmp_path / "c.yaml"), lab=lambda *_: cast(SystemLabControl, lab))
    monkeypatch.setattr(system_lab, "kind_of", lambda _: kind)
    monkeypatch.setattr(options, "engine_of_system", lambda _: lab)
    assert run(["up", "--system", str(tmp_path / "c.yaml")]) == ExitCode.INCONCLUSIVE
    assert lab.ended == [KeyboardInterrupt]
    assert "Stopping." in capsys.readouterr().err


def test_down_says_where_nothing_was_up(tmp_path: Path) -> None:
    file = tmp_path / "c.yaml"
    assert _as_removed(file, "doors-x", 0) == f"Nothing was up for {file}, which is no file."
    file.touch()
    assert _as_removed(file, "doors-x", 0) == f"Nothing was up for {file}."
    assert "is down: 1 container removed" in _as_removed(file, "doors-x", 1)


def test_a_labs_project_is_of_the_files_path(tmp_path: Path) -> None:
    one, other = tmp_path / "My Shop" / "compose.yaml", tmp_path / "My Shop" / "other.yaml"
    assert project_of(one).startswith("doors-my-shop-")
    assert project_of(one) != project_of(other)
    assert project_of(one) == project_of(tmp_path / "x" / ".." / "My Shop" / "compose.yaml")


def test_a_learned_file_names_the_system_of_its_compose_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    learned = tmp_path / "stormlab.yaml"
    learned.write_text("stormlab: 1\ncompose: [shop/compose.yaml]\n")
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop/compose.yaml").touch()
    for verb in ("heal", "faults", "links", "logs", "inject cut"):
        assert run([*verb.split(), "--system", str(learned)]) == ExitCode.WRONG_USE
        assert f"The system {tmp_path / 'shop/compose.yaml'} is not up." in capsys.readouterr().err


@pytest.mark.parametrize("verb", ["heal", "faults", "inject cut"])
def test_a_command_without_a_lab_names_the_systems_that_are_up(
    verb: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def nothing(engine: object) -> None:
        raise NoLabError("No lab is up.", "Start one: up")

    monkeypatch.setattr(lab_place, "existing_lab", nothing)
    monkeypatch.setattr(system_place, "systems_up", lambda: ["my shop.yaml"])
    assert run(verb.split()) == ExitCode.WRONG_USE
    assert "1 system of your own is up: add --system 'my shop.yaml'." in capsys.readouterr().err


def test_systems_that_are_up_are_those_that_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def running(project: str, folder: Path, file: Path) -> None:
        if project == "gone":
            raise NoLabError("The system is not up.")

    for name in ("gone", "here"):
        folder = tmp_path / "systems" / name
        folder.mkdir(parents=True)
        write_system_file(
            folder, structs.replace(SYSTEM_FILE, files=[str(tmp_path / name / ".." / "c.yaml")])
        )
    (tmp_path / "systems" / "empty").mkdir()
    monkeypatch.setattr(system_place, "state_dir", lambda: tmp_path)
    monkeypatch.setattr(system_place, "system_up", running)
    monkeypatch.chdir(tmp_path)
    assert system_place.systems_up() == ["c.yaml"]


def test_up_starts_the_system_of_a_learned_file_as_that_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    learned = tmp_path / "stormlab.yaml"
    learned.write_text("stormlab: 1\ncompose: [compose.yaml]\nlistens: {db: [5432]}\n")
    started: list[tuple[Path, SystemRequest]] = []
    monkeypatch.setattr(
        system_lab, "up_system", lambda file, request, as_json: started.append((file, request))
    )
    assert run(["up", "--system", str(learned), "--egress", "db"]) == ExitCode.WRONG_USE
    assert "Write them into that file" in capsys.readouterr().err
    run(["up", "--system", str(learned)])
    ((file, request),) = started
    assert file == tmp_path / "compose.yaml"
    assert (request.files, request.ports, request.publish) == ((file,), {"db": frozenset({5432})}, True)


def test_a_command_that_holds_a_system_is_named_as_it_was_called(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lab_lock, "LOCKS", tmp_path / "locks")
    file = tmp_path / "compose.yaml"

    def held(_: Path) -> Interrupted:
        (holder,) = lab_lock.lock_holders(project_of(file))
        raise UsageError(str(holder))

    monkeypatch.setattr(options, "engine_of_system", held)
    with pytest.raises(UsageError, match=rf"`try {file}`"), system_in_use(SystemRequest((file,)), "try"):
        pass


def test_targets_of_a_system_that_is_up_are_completed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(system_place, "state_dir", lambda: tmp_path)
    file = tmp_path / "compose.yaml"
    folder = system_place.system_folder(file)
    folder.mkdir(parents=True)
    write_system_file(folder, SYSTEM_FILE)
    context = click.Context(click.Command("cut"))
    parameter = click.Argument(["targets"])
    context.params = {"system": file}
    offered = [one.value for one in completers.targets(context, parameter, "")]
    assert offered == ["all", "api", "db", "api->db"]
    context.params = {"system": tmp_path / "other.yaml"}
    assert [one.value for one in completers.targets(context, parameter, "")] == ["all"]
