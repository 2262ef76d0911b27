"""A `docker` to put in front of the real one: a script that answers as each test says."""

from collections.abc import Callable
from pathlib import Path

import pytest

FakeDocker = Callable[[str], None]


@pytest.fixture
def fake_docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeDocker:
    """Call it with the body of a shell `case "$*" in … esac`; all else it is asked ends with 1."""

    def install(cases: str) -> None:
        script = tmp_path / "bin" / "docker"
        script.parent.mkdir(exist_ok=True)
        script.write_text(
            f'#!/bin/sh\ncase "$*" in\n{cases}\n*) echo "fake: no answer to: $*" >&2; exit 1;;\nesac\n'
        )
        script.chmod(0o755)
        monkeypatch.setenv("PATH", f"{script.parent}:/usr/bin:/bin")

    return install
