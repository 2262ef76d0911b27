"""Each checkout has a lab of its own name, and `docker compose` in the checkout means the same lab."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from driver.labs.project_name import default_project, note_project, project_option


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    folder = tmp_path / "stormlab"
    folder.mkdir()
    for name in ("compose.yaml", "lab.py"):
        (folder / name).write_text("")
    return folder


def test_two_checkouts_share_no_name(checkout: Path, tmp_path: Path) -> None:
    note_project(checkout)
    shutil.copytree(checkout, tmp_path / "copy" / "stormlab")
    names = {default_project(folder) for folder in (checkout, tmp_path / "copy" / "stormlab")}
    assert len(names) == 2
    assert all(re.fullmatch(r"stormlab-[0-9a-f]{6}", name) for name in names)


def test_compose_in_the_checkout_is_given_the_same_name(checkout: Path) -> None:
    (checkout / ".env").write_text("STORMLAB_HOST=127.0.0.2")
    note_project(checkout)
    note_project(checkout)
    lines = (checkout / ".env").read_text().splitlines()
    assert lines == ["STORMLAB_HOST=127.0.0.2", f"COMPOSE_PROJECT_NAME={default_project(checkout)}"]


def test_a_copied_name_is_replaced_by_the_copy_s_own(checkout: Path) -> None:
    (checkout / ".env").write_text("COMPOSE_PROJECT_NAME=stormlab-000000\nA=b\n")
    note_project(checkout)
    assert (checkout / ".env").read_text() == f"COMPOSE_PROJECT_NAME={default_project(checkout)}\nA=b\n"


def test_a_name_that_the_owner_chose_is_kept(checkout: Path) -> None:
    (checkout / ".env").write_text("COMPOSE_PROJECT_NAME=mine\n")
    note_project(checkout)
    assert default_project(checkout) == "mine"
    assert (checkout / ".env").read_text() == "COMPOSE_PROJECT_NAME=mine\n"


def test_a_folder_without_a_compose_file_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("COMPOSE_PROJECT_NAME=theirs\n")
    note_project(tmp_path)
    assert default_project(tmp_path).startswith("stormlab-")
    assert (tmp_path / ".env").read_text() == "COMPOSE_PROJECT_NAME=theirs\n"


def test_only_another_lab_is_named_in_commands() -> None:
    assert project_option(default_project()) == ""
    assert project_option("other", "-p") == " -p other"
