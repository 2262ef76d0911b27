"""The command in hints and scripts exists where it is read."""

from __future__ import annotations

from pathlib import Path

import pytest

from driver import paths
from driver.paths import as_called, as_called_anywhere, project_root, shown_path

HINT = "Set it up: python lab.py setup. Then: lab.py down"


def test_a_hint_in_the_clone_is_as_in_the_documents(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project_root())
    assert as_called(HINT) == HINT


def test_a_hint_in_any_other_folder_has_the_path_of_lab_py(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    lab = f"python {project_root() / 'lab.py'}"
    assert as_called(HINT) == f"Set it up: {lab} setup. Then: {lab} down"


def test_a_hint_of_an_installed_lab_has_its_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "PROGRAM", "stormlab")
    assert as_called(HINT) == "Set it up: stormlab setup. Then: stormlab down"


def test_a_command_for_every_folder_of_an_installed_lab_has_the_path_of_its_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "stormlab").touch()
    monkeypatch.setattr(paths, "PROGRAM", "stormlab")
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))
    assert as_called_anywhere("python lab.py try") == f"{tmp_path / 'stormlab'} try"


def test_a_path_is_shown_without_detours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "scenarios").mkdir()
    monkeypatch.chdir(tmp_path)
    assert shown_path("scenarios/../compose.yaml") == "compose.yaml"
    assert shown_path(tmp_path / "a" / ".." / "b.yaml") == "b.yaml"
    assert shown_path("/etc/hosts") == "/etc/hosts"
