"""Claims about the folder of a lab of processes: what another user could have made is not believed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from driver.engines.process import lab_folder as module
from driver.engines.process.lab_folder import (
    ensure_trusted,
    is_trusted,
    lab_folder,
    make_lab_folder,
    make_private_folder,
)
from driver.errors import LabError


def test_a_folder_of_this_users_alone_is_trusted(tmp_path: Path) -> None:
    folder = tmp_path / "stormlab" / "lab"
    assert not is_trusted(folder)
    ensure_trusted(folder)
    assert is_trusted(folder)


def test_a_folder_that_others_can_change_is_refused(tmp_path: Path) -> None:
    (tmp_path / "stormlab").mkdir()
    (tmp_path / "stormlab").chmod(0o777)
    assert not is_trusted(tmp_path / "stormlab" / "lab")
    with pytest.raises(LabError, match="is not a folder of this user's alone"):
        ensure_trusted(tmp_path / "stormlab" / "lab")


def test_a_link_to_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "own").mkdir(mode=0o700)
    (tmp_path / "stormlab").symlink_to(tmp_path / "own")
    assert not is_trusted(tmp_path / "stormlab" / "lab")
    with pytest.raises(LabError, match="is not a folder of this user's alone"):
        ensure_trusted(tmp_path / "stormlab" / "lab")


def test_the_folder_of_a_process_is_its_users_alone_also_where_it_was_open_to_others(tmp_path: Path) -> None:
    folder = tmp_path / "journals" / "worker-1"
    folder.mkdir(parents=True)
    folder.chmod(0o777)
    make_private_folder(folder, (os.geteuid(), os.getegid()))
    assert (folder.stat().st_mode & 0o777, folder.stat().st_uid) == (0o700, os.geteuid())


def test_the_folder_of_a_lab_is_named_for_its_user() -> None:
    assert str(os.geteuid()) in lab_folder("lab").parent.name


def test_a_lab_s_folder_is_made_also_where_another_lab_s_end_removes_the_one_above(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mkdir, ends = Path.mkdir, iter((True, False))

    def mkdir_beside_an_end(path: Path, *words: Any, **named: Any) -> None:
        if path.name == "lab" and next(ends):
            path.parent.rmdir()
        mkdir(path, *words, **named)

    monkeypatch.setattr(module, "PARENT", tmp_path)
    monkeypatch.setattr(Path, "mkdir", mkdir_beside_an_end)
    assert (make_lab_folder("lab") / "logs").is_dir()
