"""When an image must be built again."""

from __future__ import annotations

from pathlib import Path

import pytest

from driver.engines.images import Image, digest, is_given, reference

IMAGE = Image("worker", ("lock", "wire"), without=("wire/left_out",))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "lock").write_text("1")
    (tmp_path / "wire" / "left_out").mkdir(parents=True)
    (tmp_path / "wire" / "a.py").write_text("a = 1")
    return tmp_path


@pytest.mark.parametrize("changed", ["lock", "wire/a.py", "wire/new.py"])
def test_a_change_to_an_input_changes_the_name(root: Path, changed: str) -> None:
    before = digest(IMAGE, root)
    (root / changed).write_text("changed")
    assert digest(IMAGE, root) != before


@pytest.mark.parametrize(
    "changed", ["other", "wire/a.pyc", "wire/README.md", "wire/left_out/b.py", "wire/x_test.go"]
)
def test_what_no_image_holds_changes_nothing(root: Path, changed: str) -> None:
    before = digest(IMAGE, root)
    (root / changed).write_text("changed")
    assert digest(IMAGE, root) == before


def test_an_image_that_the_user_names_is_taken_as_it_is(root: Path) -> None:
    environment = {"STORMLAB_WORKER_IMAGE": "mine:1"}
    assert is_given(IMAGE, environment)
    assert reference(IMAGE, root, environment) == "mine:1"
    assert reference(IMAGE, root, {}).startswith("stormlab/worker:")
