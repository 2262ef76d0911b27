"""Claims about the images of the example systems, and the files that name them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from driver.engines.compose_command import client_environment
from driver.machine import example_images
from driver.machine.base_images import GO, PYTHON
from driver.machine.buildenv import BuildSecrets
from driver.machine.engine_install import EngineFound
from driver.machine.example_images import MARK, VARIABLES, ensure_example_images, write_env_files
from driver.machine.setup import Machine
from driver.machine.shell import MachineError
from driver.paths import project_root

EXAMPLES = project_root() / "examples"


@pytest.fixture
def examples(tmp_path: Path) -> Path:
    """A folder of two examples and of the images."""
    for name in ("one", "other", "images"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "compose.yaml").touch()
    return tmp_path


def machine_with(python: str, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Make `prepare` find this base; return the commands that are run."""
    ran: list[list[str]] = []
    machine = Machine(
        EngineFound("26.1", "2.26", "0.13"),
        {PYTHON.arg: python, GO.arg: "g"},
        BuildSecrets(Path("/ca"), Path("/env")),
    )
    monkeypatch.setattr(example_images, "prepare", lambda say: machine)
    monkeypatch.setattr(
        example_images, "run", lambda argv, *rest: ran.append([*argv, rest[-1]["PYTHON_BASE"]])
    )
    return ran


def test_where_a_registry_answers_nothing_is_built(examples: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ran = machine_with(PYTHON.official, monkeypatch)
    assert ensure_example_images(print, examples.parent) == {}
    assert ran == []


def test_without_a_registry_the_images_are_built_on_the_local_base(monkeypatch: pytest.MonkeyPatch) -> None:
    ran = machine_with(PYTHON.recipe.tag, monkeypatch)
    assert ensure_example_images(print, project_root()) == VARIABLES
    assert [(*argv[-2:], Path(argv[3]).is_file()) for argv in ran] == [("build", PYTHON.recipe.tag, True)]


def test_an_installation_without_the_examples_says_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine_with(PYTHON.recipe.tag, monkeypatch)
    with pytest.raises(MachineError, match=r"images/compose\.yaml is missing"):
        ensure_example_images(print, tmp_path)


def test_a_file_beside_each_example_names_the_images(examples: Path) -> None:
    assert write_env_files(examples, {"REDIS_IMAGE": "mine:1"}) == []
    texts = {file.parent.name: file.read_text() for file in examples.glob("*/.env")}
    assert texts == dict.fromkeys(("one", "other"), f"{MARK}\nREDIS_IMAGE=mine:1\n")


def test_the_file_goes_where_official_images_can_be_had(examples: Path) -> None:
    write_env_files(examples, {"REDIS_IMAGE": "mine:1"})
    write_env_files(examples, {})
    assert list(examples.glob("*/.env")) == []


@pytest.mark.parametrize("variables", [{}, {"REDIS_IMAGE": "mine:1"}])
def test_a_file_of_the_persons_own_stays(examples: Path, variables: dict[str, str]) -> None:
    own = examples / "other" / ".env"
    own.write_text("REDIS_IMAGE=theirs:2\n")
    assert write_env_files(examples, variables) == [own]
    assert own.read_text() == "REDIS_IMAGE=theirs:2\n"


def test_a_variable_of_the_shell_reaches_compose(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_IMAGE", "mine:1")
    assert client_environment()["REDIS_IMAGE"] == "mine:1"


@pytest.mark.parametrize("name", ["jobs", "websocket", "jetstream", "celery"])
def test_an_example_names_official_images_and_nothing_of_the_lab(name: str) -> None:
    files = [
        file for file in (EXAMPLES / name).rglob("*") if file.suffix in (".py", ".yaml", ".txt", ".html")
    ]
    assert not [file for file in files if re.search("stormlab|toxiproxy|chaos", file.read_text(), re.I)]
    written = (EXAMPLES / name / "compose.yaml").read_text()
    images = re.findall(r"\$\{(\w+_IMAGE):-([\w.:-]+)\}", written)
    assert {variable for variable, _ in images} <= set(VARIABLES)
    assert all(re.fullmatch(r"(python|redis|postgres|nats):\d[\w.-]*", image) for _, image in images)


def test_every_package_of_an_example_is_pinned_with_its_hashes() -> None:
    locks = sorted(EXAMPLES.glob("*/requirements.txt"))
    assert locks
    assert [one.parent for one in locks] == sorted(one.parent for one in EXAMPLES.glob("*/requirements.in"))
    for lock in locks:
        entries = re.split(r"\n(?=\S)", lock.read_text().partition("\n")[2].strip())
        assert entries
        for entry in entries:
            assert re.match(r"[\w.-]+==[\w.]+ ", entry), entry
            assert "--hash=sha256:" in entry
