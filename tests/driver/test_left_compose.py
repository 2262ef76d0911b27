"""Claims about a Compose that outlives its command: it is ended, and no other process."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from driver.engines.left_compose import end_left_compose

Started = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def started() -> Iterator[Started]:
    """Starts a shell whose first word is `name`, and that runs `script` with further words."""
    every: list[subprocess.Popen[bytes]] = []

    def start(name: str, script: str, *words: str) -> subprocess.Popen[bytes]:
        argv = [name, "-c", f"{script}; echo ready; read line; :", *words]
        process = subprocess.Popen(
            argv, executable="/bin/sh", stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
        )
        every.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        return process

    yield start
    for one in every:
        one.kill()
        one.communicate()


def test_a_compose_that_reads_the_file_is_ended(started: Started, tmp_path: Path) -> None:
    file = tmp_path / "compose.yaml"
    left = started("/usr/bin/docker", ":", "compose", "-f", str(file), "up")
    assert end_left_compose(file) == 1
    assert left.wait(5) != 0


def test_one_that_does_not_end_is_killed(started: Started, tmp_path: Path) -> None:
    file = tmp_path / "compose.yaml"
    left = started("docker", "trap '' TERM", "compose", "-f", str(file), "up")
    assert end_left_compose(file, grace_s=0.2) == 1
    assert left.wait(5) == -9


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("docker", ("compose", "-f", "/other/compose.yaml")),
        ("less", ("FILE",)),
        ("docker", ("compose", "ps")),
    ],
    ids=["of another file", "no Compose", "without a file"],
)
def test_other_processes_go_on(started: Started, tmp_path: Path, name: str, words: tuple[str, ...]) -> None:
    file = tmp_path / "compose.yaml"
    other = started(name, ":", *(word.replace("FILE", str(file)) for word in words))
    assert end_left_compose(file) == 0
    assert other.poll() is None
