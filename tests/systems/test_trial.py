"""Claims about `learn` and `try` on real containers: the system in fragile/, and smaller ones."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from driver.cli.options import build_environment
from driver.engines import images
from driver.engines.compose_engine import ComposeEngine
from driver.exit_codes import ExitCode
from driver.paths import project_root
from driver.systems.system_request import project_of
from tests.systems.test_doors import WORKER, left_of
from tests.waiting import eventually_in_thread

FRAGILE = Path(__file__).parent / "fragile" / "compose.yaml"
LIMIT_S = 240.0
OPENS_AFTER_S = 14
"""When a service that listens late begins to: its start has ended by then, and the watch has not."""
SERVER = "http.server.ThreadingHTTPServer(('', 8000), http.server.SimpleHTTPRequestHandler)"
SERVE = f"import http.server; {SERVER}.serve_forever()"


@pytest.fixture(scope="module", autouse=True)
def environment() -> Iterator[None]:
    """The images of the systems' choice."""
    ComposeEngine("trial-test", project_root(), build_environment).ensure_images(
        ["toxiproxy", "worker"], print
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHON_IMAGE", images.reference(WORKER, project_root()))
        patch.setenv("PYTHON", "/venv/bin/python")
        yield


def argv(*words: object) -> list[str]:
    return [sys.executable, str(project_root() / "lab.py"), *map(str, words)]


def lab_py(*words: object) -> subprocess.CompletedProcess[str]:
    """A command of lab.py that has ended."""
    return subprocess.run(argv(*words), capture_output=True, text=True, timeout=LIMIT_S)


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The stormlab.yaml of the fragile system."""
    file = tmp_path_factory.mktemp("learned") / "stormlab.yaml"
    done = lab_py("learn", FRAGILE, "--for", "6s", "--output", file)
    assert done.returncode == ExitCode.PASSED, done.stderr
    return file


def test_a_port_that_no_file_names_is_found_and_the_links_to_it_are_learned(learned: Path) -> None:
    lines = learned.read_text().splitlines()
    assert "  store: [7000]  # found listening" in lines
    links = [line.partition("  #")[0] for line in lines if "->" in line]
    assert links == ["  - once->store:7000", "  - steady->store:7000"]
    assert left_of(project_of(FRAGILE)) == left_of(f"{project_of(FRAGILE)}-plain") == []


def test_a_port_that_opens_while_the_system_is_watched_gets_a_door_and_a_second_watch(tmp_path: Path) -> None:
    node = FRAGILE.parents[3] / "examples" / "doors" / "node.py"
    # In two parts, since a service that another names in its command has its door from the start.
    late = f"sleep {OPENS_AFTER_S}; exec $${{PYTHON}} /node.py serve 7000"
    calls = "exec $${PYTHON} /node.py call sto''re:7000"
    file, output = tmp_path / "compose.yaml", tmp_path / "stormlab.yaml"
    file.write_text(
        "x-node: &node\n  image: ${PYTHON_IMAGE}\n  init: true\n  environment: {PYTHON: '${PYTHON}'}\n"
        f"  volumes: ['{node}:/node.py:ro']\nservices:\n"
        f'  store: {{<<: *node, entrypoint: [sh, -c, "{late}"]}}\n'
        f'  client: {{<<: *node, entrypoint: [sh, -c, "{calls}"]}}\n'
    )
    done = lab_py("learn", file, "--for", f"{OPENS_AFTER_S + 8}s", "--output", output)
    assert done.returncode == ExitCode.PASSED, done.stderr
    said = [line for line in done.stderr.splitlines() if line.startswith(("Watching", "store listens"))]
    assert [line.split()[0] for line in said] == ["Watching", "store", "Watching"]
    lines = output.read_text().splitlines()
    assert "  store: [7000]  # found listening" in lines
    assert [line.partition("  #")[0] for line in lines if "->" in line] == ["  - client->store:7000"]
    assert left_of(project_of(file)) == []


def test_what_does_not_come_back_is_a_finding_and_what_does_is_none(learned: Path, tmp_path: Path) -> None:
    done = lab_py("try", learned, "--watch", "6s", "--wait", "6s", "--only", "cut", "--results", tmp_path)
    assert done.returncode == ExitCode.FAILED, done.stderr
    (folder,) = tmp_path.iterdir()
    report = json.loads((folder / "try.json").read_bytes())
    shown = {one["step"]["target"]: (one["verdict"], one["broke"]) for one in report["outcomes"]}
    assert shown == {
        "once->store:7000": ("broke", ["once[1]->store:7000 has no connection"]),
        "steady->store:7000": ("came back", []),
    }
    assert "ERROR lost the connection to the store" in done.stdout
    assert "--only 'cut once->store:7000'" in (folder / "finding-1.sh").read_text()
    assert {"report.html", "report.md"} <= {one.name for one in folder.iterdir()}
    assert left_of(project_of(FRAGILE)) == []


def test_after_a_finding_the_next_fault_meets_a_clean_system(learned: Path, tmp_path: Path) -> None:
    words = ("--only", "cut once", "--only", "kill once")
    done = lab_py("try", learned, "--watch", "6s", "--wait", "6s", *words, "--results", tmp_path, "--json")
    outcomes = json.loads(done.stdout)["outcomes"]
    verdicts = [(one["verdict"], one["cleaned"]) for one in outcomes]
    assert verdicts == [("broke", "restarted once[1]"), ("came back", "")], outcomes[1:]


def test_ctrl_c_keeps_what_was_found_and_leaves_nothing(learned: Path, tmp_path: Path) -> None:
    words = ("--watch", "6s", "--only", "cut steady", "--only", "stall steady", "--results", tmp_path)
    log = tmp_path.parent / "try.err"
    with log.open("w") as errors:
        running = subprocess.Popen(argv("try", learned, *words), stdout=subprocess.PIPE, stderr=errors)
        try:
            eventually_in_thread(lambda: "[ 1/3] cut steady" in log.read_text(), "the first step", LIMIT_S)
            running.send_signal(signal.SIGINT)
            shown, _ = running.communicate(timeout=LIMIT_S)
        finally:
            running.kill()
    assert running.returncode == ExitCode.INCONCLUSIVE
    assert b"cut steady->store:7000" in shown
    (folder,) = tmp_path.iterdir()
    assert json.loads((folder / "try.json").read_bytes())["ended"] == "stopped by a signal"
    assert left_of(project_of(FRAGILE)) == []


def test_a_system_without_traffic_shows_nothing(tmp_path: Path) -> None:
    file = tmp_path / "compose.yaml"
    file.write_text(
        "x-node: &node {image: '${PYTHON_IMAGE}', init: true, entrypoint: [sleep, '600']}\n"
        "services: {idle: {<<: *node}, store: {<<: *node, expose: ['7000']}}\n"
    )
    done = lab_py("try", file, "--watch", "3s", "--results", tmp_path / "results")
    assert done.returncode == ExitCode.INCONCLUSIVE
    assert "No link carried traffic while the system was at rest." in done.stdout


def test_a_system_that_does_not_start_by_itself_either_is_not_the_lab_s_trouble(tmp_path: Path) -> None:
    file = tmp_path / "compose.yaml"
    file.write_text(
        "services:\n  broken:\n    image: ${PYTHON_IMAGE}\n    expose: ['80']\n"
        "    entrypoint: ['${PYTHON}', -c, 'print(\"no such table\"); exit(3)']\n"
    )
    done = lab_py("try", file, "--results", tmp_path / "results")
    assert done.returncode == ExitCode.FAILED
    assert "does not become ready, and neither does it without doors" in done.stderr
    assert "no such table" in done.stderr
    assert left_of(project_of(file)) == left_of(f"{project_of(file)}-plain") == []


def test_an_image_that_cannot_be_had_is_no_trouble_of_the_system(tmp_path: Path) -> None:
    file = tmp_path / "compose.yaml"
    file.write_text("services: {db: {image: 'localhost:1/there-is-no-such-image', expose: ['80']}}\n")
    done = lab_py("try", file, "--results", tmp_path / "results")
    assert done.returncode == ExitCode.LAB_BROKE
    assert "is not on this machine and cannot be pulled" in done.stderr
    assert done.stderr.count("Pulling") == 1


def test_a_command_that_an_image_does_not_have_is_the_system_s_trouble(tmp_path: Path) -> None:
    file = tmp_path / "compose.yaml"
    file.write_text(
        "services: {db: {image: '${PYTHON_IMAGE}', expose: ['80'], entrypoint: [there-is-no-such-command]}}\n"
    )
    done = lab_py("try", file, "--results", tmp_path / "results")
    assert done.returncode == ExitCode.FAILED, done.stderr
    assert "neither does it without doors" in done.stderr


def web(folder: Path) -> Path:
    """The file of a system that answers HTTP requests from outside, and does nothing by itself."""
    file = folder / "compose.yaml"
    file.write_text(
        "services:\n  web:\n    image: ${PYTHON_IMAGE}\n    init: true\n    working_dir: /tmp\n"
        f"    ports: ['8000:8000']\n    entrypoint: ['${{PYTHON}}', -c, \"{SERVE}\"]\n"
    )
    return file


def test_a_published_port_takes_the_requests_of_the_trial(tmp_path: Path) -> None:
    file = web(tmp_path)
    words = ("--http", "GET", "http://web:8000/", "--watch", "4s", "--only", "kill", "--json")
    done = lab_py("try", file, *words, "--results", tmp_path / "results")
    report = json.loads(done.stdout)
    assert report["baseline"]["requests"]["failed_share"] == 0.0
    (outcome,) = report["outcomes"]
    assert outcome["verdict"] == "came back"
    assert any("requests failed" in one for one in outcome["broke"])
    assert os.listdir(tmp_path / "results")


def test_the_links_of_a_traffic_command_are_learned_and_hit_with_proof(tmp_path: Path) -> None:
    file, output = web(tmp_path), tmp_path / "stormlab.yaml"
    asks = tmp_path / "asks.py"
    asks.write_text(
        "import os, time, urllib.request\n"
        "while time.sleep(0.1) or True:\n"
        "    urllib.request.urlopen(f\"http://{os.environ['WEB_8000']}/\", timeout=5).read()\n"
    )
    traffic = ("--traffic", f"exec {sys.executable} {asks}")
    done = lab_py("learn", file, *traffic, "--for", "5s", "--output", output)
    assert done.returncode == ExitCode.PASSED, done.stderr
    links = [line.partition("  #")[0] for line in output.read_text().splitlines() if "->" in line]
    assert links == ["  - outside->web:8000"]
    only = ("--only", "refuse outside", "--only", "stall outside->web:8000 for 3s")
    words = ("--watch", "5s", *only, "--json", "--results", tmp_path / "results")
    done = lab_py("try", output, *traffic, *words)
    refused, silent = json.loads(done.stdout)["outcomes"]
    assert (refused["verdict"], silent["verdict"]) == ("came back", "came back"), done.stderr
    assert refused["attempts"]["outside->web:8000"] > 2
    assert "outside->web:8000" in refused["proof"]


def test_one_replica_of_several_is_killed_and_then_all(tmp_path: Path) -> None:
    file = tmp_path / "compose.yaml"
    node = FRAGILE.parents[3] / "examples" / "doors" / "node.py"
    file.write_text(
        "x-node: &node\n  image: ${PYTHON_IMAGE}\n  init: true\n"
        f"  entrypoint: ['${{PYTHON}}', /node.py]\n  volumes: ['{node}:/node.py:ro']\nservices:\n"
        "  store: {<<: *node, command: [serve, '7000'], expose: ['7000']}\n"
        "  client: {<<: *node, command: [call, 'store:7000'], deploy: {replicas: 2}}\n"
    )
    words = ("--watch", "5s", "--only", "kill client", "--json")
    done = lab_py("try", file, *words, "--results", tmp_path / "results")
    one, every = json.loads(done.stdout)["outcomes"]
    assert done.returncode == ExitCode.PASSED, (one["note"], every["note"], done.stderr)
    assert one["step"]["target"] in ("client[1]", "client[2]")
    assert f"{one['step']['target']} is hit of 2 replicas of client, then all at once" in done.stderr
    assert (every["step"]["target"], every["verdict"], every["broke"]) == ("client", "came back", [])
    assert all(name in every["proof"] for name in ("client[1]", "client[2]"))
