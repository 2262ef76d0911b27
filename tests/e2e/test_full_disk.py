"""A coordinator whose disk is full: the run says so, and leaves nothing behind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import CommandLine, docker, new_command_line
from tests.e2e.sabotage import Ended, sabotaged

LOAD = """\
# A load whose log is larger than the disk of its coordinator. Latency on one link beside it.
workers: 2
duration: 8s
warmup: 1s
converge: 4s
workload:
  rate: 100/s
  kinds:
    - {kind: noop, share: 100%}
timeline:
  - {id: late, fault: latency, mean: 50ms, targets: worker-1, at: 2s, for: 3s}
"""


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CommandLine]:
    """A lab whose volume for the store is a folder of 1 MiB, in a file system of ours that outlives the
    coordinator: a container of ours holds it.
    """
    line = new_command_line(tmp_path_factory.mktemp("full"))
    disk = holder = f"{line.project}-disk"
    mine = f"com.docker.compose.project={line.project}"
    docker("volume", "create", "-o", "type=tmpfs", "-o", "device=tmpfs", "-o", "o=size=1m,uid=10001", disk)
    try:
        docker("run", "-d", "--name", holder, "-v", f"{disk}:/disk", "--entrypoint", "sleep",
               "stormlab/worker:dev", "600")  # fmt: skip
        folder = docker("volume", "inspect", "-f", "{{.Mountpoint}}", disk).strip()
        docker("volume", "create", "--label", mine, "--label", "com.docker.compose.volume=store",
               "-o", "type=none", "-o", "o=bind", "-o", f"device={folder}",
               f"{line.project}_store")  # fmt: skip
        yield line
    finally:
        line("down")
        docker("rm", "-f", holder, check=False)
        docker("volume", "rm", disk, check=False)


@pytest.fixture(scope="module")
def ended(line: CommandLine, tmp_path_factory: pytest.TempPathFactory) -> Ended:
    """The run on that disk."""
    return sabotaged(line, Path(tmp_path_factory.mktemp("scenario")), LOAD).ended()


def test_a_run_whose_coordinator_found_its_disk_full_fails_and_names_the_cause(ended: Ended) -> None:
    because = ended.because("no_process_died", "failed")
    # Healing starts it again; it may find the disk full once more.
    assert because.startswith(("coordinator ended", "coordinator was exited"))
    assert "exit code 70" in because
    assert "database or disk is full" in because
    assert (ended.code, ended.verdict) == (1, "failed"), ended.said


def test_it_leaves_nothing_behind(ended: Ended, line: CommandLine) -> None:
    assert ended.verdict
    assert line.leftovers() == []
