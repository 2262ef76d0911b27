"""Each engine registers itself; a lab keeps the engine that holds it, and what an engine lacks is refused."""

from __future__ import annotations

import ast
import dataclasses
from pathlib import Path

import click
import pytest

from chaos.abilities import MEANINGS, Ability
from chaos.catalogue import FAULTS
from chaos.fault import Layer
from driver.cli import options
from driver.cli.main import run
from driver.engines import catalogue
from driver.engines.catalogue import KINDS, default_kind, kind_of_lab
from driver.engines.docker_abilities import docker_abilities
from driver.engines.engine import Abilities
from driver.engines.engine_kind import EngineKind
from driver.errors import UsageError
from driver.exit_codes import ExitCode
from driver.labs.needed_abilities import refuse_lacking
from driver.scenarios.plan import PlannedFault
from tests.driver.fakes import ABLE, FakeEngine

WITHOUT_UNPLUG = Abilities(
    "plain",
    {ability: "a fake" for ability in Ability if ability is not Ability.unplug},
    {Ability.unplug: "this machine has no user namespaces"},
)
SCENARIO = """\
# A worker that is unplugged comes back.
workers: 3
duration: 20s
timeline:
  - {fault: unplug, targets: 1, at: 5s, for: 5s}
"""


def kind(
    name: str, *, why: str = "", holds: bool = False, silent: bool = False, abilities: Abilities = ABLE
) -> EngineKind:
    abilities = dataclasses.replace(abilities, engine=name)
    return EngineKind(
        name=name, rank=1, summary=name, unavailable=lambda: why, abilities=lambda: abilities,
        holds=lambda _: holds, make=lambda *_: FakeEngine(abilities=abilities), is_silent=lambda: silent,
    )  # fmt: skip


def planned(fault: str, **params: object) -> PlannedFault:
    return PlannedFault(
        id="f-1", entry="f", fault=fault, params=params, targets=("worker-1",), at_s=0.0, for_s=1.0, seed=1
    )


def test_every_file_of_the_package_declares_one_engine() -> None:
    folder = Path(catalogue.__file__).parent / "kinds"
    assert {path.stem for path in folder.glob("[!_]*.py")} == set(KINDS)


def test_the_default_is_the_first_that_can_start_a_lab_here() -> None:
    assert default_kind([kind("a"), kind("b")]).name == "a"
    assert default_kind([kind("a", why="No engine answers."), kind("b")]).name == "b"


def test_where_none_can_start_a_lab_the_first_says_why() -> None:
    assert default_kind([kind("a", why="No."), kind("b", why="No.")]).name == "a"


def test_a_lab_keeps_the_engine_that_holds_it() -> None:
    assert kind_of_lab([kind("a"), kind("b", holds=True)], "lab", None).name == "b"


def test_a_lab_that_no_engine_shows_is_looked_for_at_one_that_gives_no_answer() -> None:
    kinds = [kind("a", why="No answer.", silent=True), kind("b")]
    assert kind_of_lab(kinds, "lab", None).name == "a"
    assert kind_of_lab([kinds[0], kind("b", holds=True)], "lab", None).name == "b"


def test_a_lab_to_be_started_waits_for_no_engine_that_gives_no_answer() -> None:
    assert kind_of_lab([kind("a", why="No.", silent=True), kind("b")], "lab", None, to_start=True).name == "b"


def test_a_lab_of_another_engine_is_named_with_it() -> None:
    with pytest.raises(UsageError, match="The lab 'lab' is held by the engine b, and not by a") as refused:
        kind_of_lab([kind("a"), kind("b", holds=True)], "lab", "a")
    assert "name b" in refused.value.hint


def test_a_lab_that_two_engines_hold_is_taken_from_each() -> None:
    kinds = [kind("a", holds=True), kind("b", holds=True)]
    assert [kind_of_lab(kinds, "lab", name).name for name in ("a", "b")] == ["a", "b"]


def test_every_fault_of_a_container_declares_what_it_needs_and_no_other() -> None:
    needing = {name for name, fault in FAULTS.items() if fault.needs}
    assert needing == {name for name, fault in FAULTS.items() if fault.layer is Layer.container}


def test_every_ability_has_a_meaning() -> None:
    assert MEANINGS.keys() == set(Ability)


def test_an_ability_is_had_or_lacked() -> None:
    with pytest.raises(AssertionError, match="had or lacked"):
        Abilities("a", {Ability.kill: "SIGKILL"})


def test_a_fault_that_needs_what_the_engine_lacks_is_refused_by_name() -> None:
    refuse_lacking([planned("unplug"), planned("cut")], ABLE)
    refuse_lacking([planned("pause"), planned("cut")], WITHOUT_UNPLUG)
    with pytest.raises(UsageError) as refused:
        refuse_lacking([planned("cut"), planned("unplug")], WITHOUT_UNPLUG)
    assert refused.value.sentence == (
        "unplug on worker-1 needs the ability 'unplug', which the engine plain lacks here: this machine has "
        "no user namespaces."
    )


def test_a_remote_docker_engine_lacks_journals_alone() -> None:
    assert not docker_abilities(is_local=True).lacks
    assert set(docker_abilities(is_local=False).lacks) == {Ability.follow_journals}


@pytest.fixture
def two_engines(monkeypatch: pytest.MonkeyPatch) -> None:
    kinds = {"able": kind("able"), "plain": kind("plain", abilities=WITHOUT_UNPLUG)}
    monkeypatch.setattr(options, "KINDS", kinds)
    monkeypatch.setattr(click.Choice, "convert", lambda self, value, *_: value)


@pytest.mark.usefixtures("two_engines")
@pytest.mark.parametrize("words", [["--engine", "plain"], []])
def test_validate_refuses_what_the_engine_lacks(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "unplugged.yaml"
    file.write_text(SCENARIO)
    if not words:
        monkeypatch.setenv("STORMLAB_ENGINE", "plain")
    assert run(["validate", *words, str(file)]) == ExitCode.WRONG_USE
    assert "needs the ability 'unplug', which the engine plain lacks" in " ".join(
        capsys.readouterr().err.split()
    )
    assert run(["validate", "--engine", "able", str(file)]) == ExitCode.PASSED


def test_an_engine_that_is_not_registered_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["status", "--engine", "vm"]) == ExitCode.WRONG_USE
    assert "compose" in capsys.readouterr().err


@pytest.mark.usefixtures("two_engines")
def test_a_system_of_a_compose_file_runs_on_compose_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "compose.yaml"
    file.write_text("services: {}\n")
    assert run(["up", "--system", str(file), "--engine", "plain"]) == ExitCode.WRONG_USE
    assert "runs on the engine compose, and not on plain" in " ".join(capsys.readouterr().err.split())


ABOVE = (
    *("labs", "runs", "judging", "suite", "dashboard", "results"),
    *("cli/up.py", "cli/status.py", "cli/inject.py", "cli/reference", "reference"),
)
"""Packages and files of the driver above the seam; a system of a Compose file has files of its own."""


def texts(path: Path) -> list[str]:
    """The texts of a module but its docstrings."""
    tree = ast.parse(path.read_text())
    docs = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs
    ]


@pytest.mark.parametrize("place", ABOVE)
def test_no_text_above_the_seam_names_an_engine_s_own_tool(place: str) -> None:
    root = Path(options.__file__).parents[1] / place
    files = [root] if root.is_file() else sorted(root.rglob("*.py"))
    assert files
    assert not [(path.name, text) for path in files for text in texts(path) if "docker compose" in text]
