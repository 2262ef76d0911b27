"""Running `docker compose`: bounded, interruptible, failures as sentences. A script replaces docker."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from pathlib import Path
from typing import Any

import pytest

from driver.engines.compose_command import HEARTBEAT_S, ComposeCommand, failure
from driver.errors import (
    EngineError,
    EngineGoneError,
    InterruptedCommandError,
    PortInUseError,
    SubnetInUseError,
)
from tests.waiting import eventually_in_thread


def command(tmp_path: Path, script: str, heartbeat_s: float = HEARTBEAT_S) -> ComposeCommand:
    """Compose whose docker is this shell script."""
    docker = tmp_path / "docker"
    docker.write_text(f"#!/bin/sh\n{script}\n")
    docker.chmod(0o755)
    return ComposeCommand("lab", tmp_path, {"PATH": f"{tmp_path}:{os.environ['PATH']}"}, heartbeat_s)


@pytest.fixture(autouse=True)
def docker_on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")


def test_it_is_given_its_project_its_file_and_our_variables(tmp_path: Path) -> None:
    lines = command(tmp_path, 'echo "$@"; echo "$STORMLAB_KEY"')(
        "up", environment={"STORMLAB_KEY": "k"}, timeout_s=5
    )
    assert lines == [
        f"compose -p lab --project-directory {tmp_path} -f {tmp_path}/compose.yaml up",
        "k",
    ]


def test_a_failure_shows_its_last_lines(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match=r"failed with 17(.|\n)*no such image"):
        command(tmp_path, "echo no such image >&2; exit 17")("up", environment={}, timeout_s=5)


def test_one_that_does_not_end_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(EngineError, match="did not end within 0 s"):
        command(tmp_path, "exec sleep 60", 0.05)("up", environment={}, timeout_s=0.1)


def test_an_interrupt_ends_what_runs_and_nothing_that_comes_later(tmp_path: Path) -> None:
    compose = command(tmp_path, f'touch {tmp_path}/began; [ "$8" = build ] || exec sleep 60')

    def interrupt() -> None:
        eventually_in_thread((tmp_path / "began").exists, "the begin of compose")
        compose.interrupt()

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(InterruptedCommandError):
        compose("up", environment={}, timeout_s=30)
    thread.join()
    assert compose("build", environment={}, timeout_s=5) == []


def test_an_interrupt_ends_a_command_that_is_being_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compose = command(tmp_path, "exec sleep 60")
    start = subprocess.Popen
    interrupter = threading.Thread(target=compose.interrupt)

    def start_and_be_interrupted(*args: Any, **named: Any) -> subprocess.Popen[bytes]:
        process = start(*args, **named)
        interrupter.start()
        interrupter.join(0.2)
        return process

    monkeypatch.setattr(subprocess, "Popen", start_and_be_interrupted)
    with pytest.raises(InterruptedCommandError):
        compose("up", environment={}, timeout_s=2)
    interrupter.join()


def test_ctrl_c_ends_compose_by_sigterm(tmp_path: Path) -> None:
    script = f"trap 'touch {tmp_path}/asked; exit 1' TERM; touch {tmp_path}/began; sleep 60 & wait"

    def interrupt() -> None:
        eventually_in_thread((tmp_path / "began").exists, "the begin of compose")
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        command(tmp_path, script)("up", environment={}, timeout_s=30)
    thread.join()
    assert (tmp_path / "asked").exists()


def test_a_heartbeat_is_received_while_it_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[str] = []
    command(tmp_path, "echo step 1; sleep 0.4", 0.05)(
        "build", environment={}, timeout_s=5, heartbeat=lambda _, line: heard.append(line)
    )
    assert "step 1" in heard


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("Error: Bind for 127.0.0.1:8474 failed: port is already allocated", PortInUseError),
        ("Cannot connect to the Docker daemon at unix:///var/run/docker.sock", EngineGoneError),
        (
            "failed to create network x_links: Error response from daemon: Pool overlaps with other one",
            SubnetInUseError,
        ),
        ("something else", EngineError),
    ],
)
def test_what_compose_says_becomes_an_error_of_ours(line: str, kind: type[Exception]) -> None:
    assert type(failure(("up", "-d"), 1, [line], 5.0)) is kind


def test_a_missing_docker_client_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EngineGoneError, match="could not be run"):
        ComposeCommand("lab", tmp_path, {"PATH": str(tmp_path)})("up", environment={}, timeout_s=5)
