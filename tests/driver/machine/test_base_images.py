import re
from pathlib import Path

import pytest

from driver.machine import base_images, bootstrap
from driver.machine.base_images import GO, PYTHON, ensure_bases, local_choice, pull
from tests.driver.machine.conftest import FakeDocker

ROOT = Path(__file__).parents[3]
INSPECT = "image inspect --format {{.Id}}"
LABEL = 'image inspect --format {{index .Config.Labels "stormlab.base"}}'
NONE_NAMED: dict[str, str] = {}


def test_what_the_user_names_goes_above_what_is_there() -> None:
    assert local_choice(PYTHON, "mine:1", official_present=True, recipe_present=True) == "mine:1"


def test_the_official_image_goes_above_the_stand_in() -> None:
    assert local_choice(PYTHON, None, official_present=True, recipe_present=True) == PYTHON.official


def test_the_stand_in_is_used_again_without_asking_a_registry() -> None:
    assert local_choice(PYTHON, None, official_present=False, recipe_present=True) == PYTHON.recipe.tag


def test_nothing_there_means_something_has_to_be_fetched() -> None:
    assert local_choice(PYTHON, None, official_present=False, recipe_present=False) is None


def test_images_that_are_there_are_chosen_without_a_pull(fake_docker: FakeDocker) -> None:
    fake_docker(
        f"'{LABEL} {PYTHON.recipe.tag}') echo {PYTHON.recipe.digest()};;\n"
        f"'{INSPECT} {GO.official}') echo sha256:1;;"
    )
    said: list[str] = []
    assert ensure_bases(said.append, NONE_NAMED) == {"PYTHON_BASE": PYTHON.recipe.tag, "GO_BASE": GO.official}
    assert said == []


def test_missing_images_are_pulled_where_a_registry_answers(fake_docker: FakeDocker) -> None:
    fake_docker('"pull "*) echo "Pulling from library/python";;')
    assert ensure_bases(lambda _: None, NONE_NAMED) == {
        "PYTHON_BASE": PYTHON.official,
        "GO_BASE": GO.official,
    }


def test_without_a_registry_the_stand_ins_are_made(
    fake_docker: FakeDocker, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_docker('"pull "*) echo "dial tcp: lookup registry: no such host" >&2; exit 1;;')
    made: list[str] = []
    monkeypatch.setattr(base_images, "make", lambda missing, say: made.extend(base.arg for base in missing))
    said: list[str] = []
    chosen = ensure_bases(said.append, NONE_NAMED)
    assert chosen == {"PYTHON_BASE": PYTHON.recipe.tag, "GO_BASE": GO.recipe.tag}
    assert made == ["PYTHON_BASE", "GO_BASE"]
    assert any("no such host" in line for line in said)
    assert sum("pulling" in line for line in said) == 1, "a registry that is not there was asked twice"


def test_a_registry_that_never_answers_is_given_up(fake_docker: FakeDocker) -> None:
    fake_docker('"pull "*) exec sleep 60;;')
    said: list[str] = []
    assert pull(PYTHON, said.append, 0.2) is False
    assert "no answer" in said[-1]


def test_an_image_of_an_older_recipe_is_made_again(fake_docker: FakeDocker) -> None:
    fake_docker(f"'{LABEL} {PYTHON.recipe.tag}') echo of-an-older-recipe;;")
    assert not bootstrap.is_present(PYTHON.recipe)


def test_every_file_that_pins_a_base_pins_the_same_one() -> None:
    files = [ROOT / "compose.yaml", *ROOT.glob("*/Dockerfile"), *ROOT.glob("chaos/*/Dockerfile")]
    pins: dict[str, set[str]] = {}
    for file in files:
        for name, image in re.findall(r"(PYTHON_BASE|GO_BASE)(?::-|=)([\w.:/-]+)", file.read_text()):
            pins.setdefault(name, set()).add(image)
    assert pins == {"PYTHON_BASE": {PYTHON.official}, "GO_BASE": {GO.official}}


def test_the_python_images_share_their_first_layers() -> None:
    dockerfiles = [
        ROOT / "coordinator/Dockerfile",
        ROOT / "worker/Dockerfile",
        ROOT / "chaos/prober/Dockerfile",
    ]
    first = {_up_to_workdir(file) for file in dockerfiles}
    assert len(first) == 1


def _up_to_workdir(dockerfile: Path) -> str:
    text = dockerfile.read_text()
    return text[text.index("ARG ") : text.index("WORKDIR")]
