"""Claims about the example systems behind doors, as they are, on real containers."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from driver.cli.options import build_environment
from driver.engines.compose_engine import ComposeEngine
from driver.labs.toxiproxy_api import LinkState
from driver.machine.example_images import ensure_example_images
from driver.paths import project_root
from driver.systems.lab_of_system import StartedSystem, SystemLab
from driver.systems.running_system import running_system
from driver.systems.system_images import LAB_IMAGES, door_image
from driver.systems.system_request import SystemRequest
from tests.waiting import eventually_in_thread

LIMIT_S = 30.0


@dataclass(frozen=True)
class Example:
    """An example, the links over which its services talk by themselves, and those that are idle."""

    name: str
    busy: frozenset[str]
    idle: frozenset[str] = frozenset()

    @property
    def project(self) -> str:
        return f"example-{self.name}-test"


EXAMPLES = (
    Example(
        "jobs",
        frozenset(
            {
                *("feed[1]->web:8000", "web[1]->redis:6379", "web[1]->db:5432"),
                *("worker[1]->redis:6379", "worker[1]->db:5432"),
            }
        ),
    ),
    Example(
        "websocket",
        frozenset({*(f"client[{n}]->server:8765" for n in (1, 2, 3)), "server[1]->db:5432"}),
        frozenset({"till[1]->server:8765"}),
    ),
    Example(
        "jetstream",
        frozenset(
            {
                "publisher[1]->nats:4222",
                *(f"worker[{n}]->{server}" for n in (1, 2) for server in ("nats:4222", "db:5432")),
            }
        ),
        frozenset({"gateway[1]->nats:4222"}),
    ),
    Example("celery", frozenset({"shop[1]->redis:6379", "worker[1]->redis:6379", "worker[2]->redis:6379"})),
)


def docker(*words: str) -> str:
    """The output of a docker command that must succeed."""
    done = subprocess.run(["docker", *words], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def left_of(project: str) -> list[str]:
    """Everything of a project that the engine has."""
    label = f"label=com.docker.compose.project={project}"
    kinds = (("ps", "-aq"), ("network", "ls", "-q"), ("volume", "ls", "-q"), ("image", "ls", "-q"))
    return [one for kind in kinds for one in docker(*kind, "--filter", label).split()]


class RunningExample:
    """An example that is up behind doors."""

    def __init__(self, example: Example, lab: SystemLab, started: StartedSystem, folder: Path) -> None:
        self.example = example
        self.running = running_system(example.project, folder / example.project, example.name)
        self.lab = lab
        self.started = started

    def links(self) -> dict[str, LinkState]:
        return {one.name: one for one in self.running.links.states()}

    def restarts(self) -> dict[str, int]:
        """How often the engine restarted each container."""
        found = {one.name: json.loads(docker("inspect", one.id))[0] for one in self.lab.containers().replicas}
        return {name: details["RestartCount"] for name, details in found.items()}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The images of the examples and of doors, and a folder for generated files."""
    ComposeEngine("example-test", project_root(), build_environment).ensure_images(LAB_IMAGES, print)
    with pytest.MonkeyPatch.context() as patch:
        for name, image in ensure_example_images(print, project_root()).items():
            patch.setenv(name, image)
        yield tmp_path_factory.mktemp("examples")


@pytest.fixture(scope="module", params=EXAMPLES, ids=lambda one: one.name)
def running(request: pytest.FixtureRequest, folder: Path) -> Iterator[RunningExample]:
    """Each example, up once for all the claims; its going down is a claim too."""
    example: Example = request.param
    file = project_root() / "examples" / example.name / "compose.yaml"
    lab = SystemLab(example.project, door_image(), folder)
    lab.down()
    started = lab.up(SystemRequest((file,), publish=False), print)
    try:
        yield RunningExample(example, lab, started, folder)
    finally:
        lab.down()
    assert left_of(example.project) == []


def test_each_link_of_the_system_carries_bytes_both_ways(running: RunningExample) -> None:
    def at_work() -> set[str]:
        return {
            link
            for link, state in running.links().items()
            if state.connections and state.bytes_upstream and state.bytes_downstream
        }

    connected = running.example.busy | running.example.idle
    eventually_in_thread(lambda: at_work() == connected, "every link carries bytes", LIMIT_S)
    before = running.links()

    def grown() -> set[str]:
        after = running.links()
        return {
            link
            for link in running.example.busy
            if after[link].bytes_upstream > before[link].bytes_upstream
            and after[link].bytes_downstream > before[link].bytes_downstream
        }

    eventually_in_thread(lambda: grown() == running.example.busy, "every link carries more bytes", LIMIT_S)


def test_no_service_of_it_was_restarted(running: RunningExample) -> None:
    assert set(running.restarts().values()) == {0}


def test_no_link_but_the_systems_own_ever_had_a_connection(running: RunningExample) -> None:
    used = {link for link, state in running.links().items() if state.accepted}
    assert used == running.example.busy | running.example.idle


def test_nothing_of_it_goes_around_its_doors(running: RunningExample) -> None:
    assert running.started.bypassed == ()
