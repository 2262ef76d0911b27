"""Claims about systems whose services are commands, on real processes and without Docker."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pytest

from driver.engines.process.lab_folder import lab_folder
from driver.engines.process.namespaces import refusal
from driver.engines.process.supervisor_client import SupervisorClient
from driver.errors import EngineError, NotReadyError
from driver.exit_codes import ExitCode
from driver.paths import project_root
from driver.systems.commands.command_lab import CommandLab
from driver.systems.commands.command_watch import READY_TIMEOUT_S
from driver.systems.system_request import SystemRequest, project_of
from tests.waiting import eventually_in_thread

EXAMPLE = project_root() / "examples" / "commands"
LIMIT_S = 180.0
PYTHON = sys.executable
SERVE = "import socket,time; s=socket.create_server(({host!r}, {port})); time.sleep(600)"


class Start(Protocol):
    """Starts a system of these services in time, or raises."""

    def __call__(self, services: dict[str, object], ready_within_s: float = ...) -> CommandLab: ...


@dataclass(frozen=True)
class Shop:
    """The example, copied into a folder of its own, and the command line without any Docker engine."""

    file: Path

    def __call__(self, *words: str, where: bool = True) -> subprocess.CompletedProcess[str]:
        named = ["--system", str(self.file)] if where else []
        return subprocess.run(
            [PYTHON, str(project_root() / "lab.py"), *words, *named],
            capture_output=True, text=True, timeout=LIMIT_S, cwd=project_root(),
            env={**os.environ, "DOCKER_HOST": "unix:///nowhere"},
        )  # fmt: skip

    @property
    def project(self) -> str:
        return project_of(self.file)

    def links(self) -> dict[str, int]:
        """How many connections each link has accepted."""
        done = self("links", "--json")
        assert done.returncode == 0, done.stderr
        return {one["link"]: one["accepted"] for one in json.loads(done.stdout)}


def copied(folder: Path) -> Shop:
    shutil.copytree(EXAMPLE, folder / "shop")
    return Shop(folder / "shop" / "stormlab.yaml")


def written(folder: Path, services: dict[str, object]) -> Path:
    file = folder / "stormlab.yaml"
    file.write_text(json.dumps({"services": services}))
    return file


def serve(port: int, host: str = "0.0.0.0") -> list[str]:
    return [PYTHON, "-c", SERVE.format(host=host, port=port)]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    assert refusal() == "", "this machine gives namespaces"
    shop = copied(tmp_path_factory.mktemp("commands"))
    done = shop("up", "--any-ports")
    assert done.returncode == 0, done.stderr
    yield shop
    done = shop("down")
    assert "nothing is left" in done.stdout, done.stderr
    assert not lab_folder(shop.project).exists()


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Start]:
    """Starts systems of services, and takes each down."""
    labs: list[CommandLab] = []

    def start(services: dict[str, object], ready_within_s: float = READY_TIMEOUT_S) -> CommandLab:
        file = written(tmp_path, services)
        labs.append(CommandLab(project_of(file), tmp_path / "systems", ready_within_s=ready_within_s))
        labs[-1].up(SystemRequest((file,), publish=False), lambda line: None)
        return labs[-1]

    yield start
    for lab in labs:
        lab.down()
        assert not lab_folder(lab._project).exists()


def test_services_reach_each_other_by_name_through_their_doors(shop: Shop) -> None:
    eventually_in_thread(lambda: shop.links()["feed[1]->api:8000"] > 0, "the feed's orders pass its door")
    eventually_in_thread(lambda: shop.links()["api[1]->store:6000"] > 0, "the api's orders pass its door")
    assert shop.links()["feed[1]->store:6000"] == 0


@pytest.mark.parametrize(
    "fault",
    [
        ("stall", "--links", "api->store"),
        ("refuse", "--links", "feed->api"),
        ("latency", "--links", "api->store", "--mean", "300ms"),
        ("pause", "store"),
        ("kill", "store"),
        ("stop", "api"),
        ("unplug", "store"),
    ],
    ids=lambda words: words[0],
)
def test_each_fault_is_proved_and_healed(shop: Shop, fault: tuple[str, ...]) -> None:
    done = shop("inject", *fault, "--for", "2s")
    assert done.returncode == ExitCode.PASSED, done.stdout + done.stderr
    assert "proved:" in done.stdout
    status = json.loads(shop("status", "--json").stdout)
    assert status["degraded"] == {}


def test_a_link_that_is_not_there_is_refused_by_name(shop: Shop) -> None:
    done = shop("inject", "stall", "--links", "api->cache", "--for", "2s")
    assert done.returncode == ExitCode.WRONG_USE
    assert "cache" in done.stderr


def test_a_second_up_is_refused(shop: Shop) -> None:
    done = shop("up", "--any-ports")
    assert done.returncode == ExitCode.WRONG_USE
    assert "is up already" in done.stderr


def test_an_engine_that_runs_no_commands_is_refused(shop: Shop) -> None:
    done = shop("inject", "stall", "--links", "api->store", "--for", "1s", "--engine", "compose")
    assert done.returncode == ExitCode.WRONG_USE
    assert "runs on the engine process" in done.stderr


def test_the_log_of_a_service_is_what_its_command_prints(shop: Shop) -> None:
    assert "api: listening on port 8000" in shop("logs", "api").stdout


def test_a_service_reaches_no_other_but_through_a_door(started: Start, tmp_path: Path) -> None:
    code = (
        "import socket, json, pathlib\n"
        "found = {}\n"
        "for name, address in [('server', '10.236.6.1'), ('world', '192.0.2.1')]:\n"
        "    try: socket.create_connection((address, 7000), 1); found[name] = 'reached'\n"
        "    except OSError as error: found[name] = type(error).__name__\n"
        "pathlib.Path('found.json').write_text(json.dumps(found))\n"
    )
    # The networks are of spy and of store, 1,024 addresses each; the store's own has its door, and the store.
    started({"spy": {"run": [PYTHON, "-c", code]}, "store": {"run": serve(7000), "expose": [7000]}})
    found = json.loads((tmp_path / "found.json").read_text())
    assert found["server"] == found["world"] == "OSError"


def test_a_command_that_ends_at_once_ends_the_start_with_its_last_lines(
    started: Start,
) -> None:
    with pytest.raises(NotReadyError) as refused:
        started(
            {"api": {"run": "echo no settings here; exit 3"}, "db": {"run": serve(7000), "expose": [7000]}}
        )
    assert "api[1] ended with 3" in refused.value.sentence
    assert "\n  no settings here" in refused.value.sentence


def test_a_program_that_is_not_there_is_named(started: Start) -> None:
    with pytest.raises(EngineError, match=r"api\[1\] could not be started: .*no-such-program"):
        started({"api": {"run": ["no-such-program"]}})


@pytest.mark.parametrize(
    ("services", "sentence"),
    [
        (
            {"api": {"run": serve(7001), "expose": [7000]}},
            "does not listen on port 7000 (it listens on 7001)",
        ),
        ({"api": {"run": serve(7000, "127.0.0.1"), "expose": [7000]}}, "listens on 127.0.0.1:7000 alone"),
    ],
)
def test_a_port_on_which_nobody_listens_for_others_ends_the_start(
    started: Start, services: dict[str, object], sentence: str
) -> None:
    with pytest.raises(NotReadyError) as refused:
        started(services, 2.0)
    assert sentence in refused.value.sentence


def test_a_service_starts_after_those_on_which_it_depends(started: Start, tmp_path: Path) -> None:
    slow = [PYTHON, "-c", f"import time; time.sleep(1); {SERVE.format(host='0.0.0.0', port=7000)}"]
    listed = "python3 -c \"import socket; socket.create_connection(('db', 7000), 2); open('reached', 'w')\""
    started(
        {
            "db": {"run": slow, "expose": [7000], "depends_on": {"job": "service_completed_successfully"}},
            "job": {"run": "touch migrated"},
            "api": {"run": f"test -e migrated && {listed}", "depends_on": {"db": "service_healthy"}},
        }
    )
    assert (tmp_path / "reached").exists()


def test_a_supervisor_that_was_killed_leaves_a_system_that_down_removes(tmp_path: Path) -> None:
    shop = copied(tmp_path)
    assert shop("up", "--any-ports").returncode == 0
    client = SupervisorClient(shop.project)
    os.kill(client._pid(), signal.SIGKILL)
    eventually_in_thread(lambda: not client.is_there(), "the supervisor is gone")
    assert "is not up" in shop("status").stdout
    assert shop("down").returncode == 0
    assert not lab_folder(shop.project).exists()


def test_a_start_that_is_interrupted_leaves_nothing(tmp_path: Path) -> None:
    file = written(tmp_path, {"api": {"run": "sleep 600", "expose": [7000]}})
    words = [PYTHON, "lab.py", "up", "--system", str(file), "--any-ports"]
    with subprocess.Popen(words, cwd=project_root(), stderr=subprocess.PIPE, text=True) as process:
        client = SupervisorClient(project_of(file))
        eventually_in_thread(client.is_there, "the supervisor is there")
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=30)
    assert process.returncode != 0
    assert "Taking down what was started" in said
    assert not lab_folder(project_of(file)).exists()


SHORT = """\
# Each order that was accepted is stored, although the store is away meanwhile.
system: {file}
duration: 8s
warmup: 3s
converge: 8s
settle: 2s
timeline:
  - {{fault: refuse, targets: "api->store", at: 4s, for: 2s}}
workload:
  orders: {{http: "POST http://api:8000/orders", rate: 10/s, json: {{key: "${{key}}"}}, ok: 201, timeout: 3s}}
observe:
  stored: {{http: "http://store:6000/orders", read: "$[*]"}}
expect:
  - every acknowledged orders.key in stored.key
"""


@pytest.mark.parametrize(("broken", "code"), [(False, ExitCode.PASSED), (True, ExitCode.FAILED)])
def test_a_scenario_gets_its_verdict(tmp_path: Path, broken: bool, code: ExitCode) -> None:
    shop = copied(tmp_path)
    if broken:
        store = shop.file.with_name("store.py")
        text = store.read_text()
        found = text.replace("        orders.append(", "        if len(body) % 3: orders.append(")
        assert found != text
        store.write_text(found)
    scenario = tmp_path / "short.yaml"
    scenario.write_text(SHORT.format(file=shop.file))
    done = shop("scenario", str(scenario), "--results", str(tmp_path / "results"), where=False)
    assert done.returncode == code, done.stdout + done.stderr
    assert not lab_folder(shop.project).exists()
