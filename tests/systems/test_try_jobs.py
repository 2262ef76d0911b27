"""Claims about `lab.py try` on examples/jobs: its findings are those of findings.md, and no others."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from driver.exit_codes import ExitCode
from driver.machine.example_images import ensure_example_images
from driver.paths import project_root
from driver.systems.system_request import project_of

FILE = project_root() / "examples" / "jobs" / "compose.yaml"
STEPS = ("cut worker->db", "reset feed->web", "latency web->db", "kill db")
"""Two with a finding, two without one."""
LIMIT_S = 280.0


@pytest.fixture(scope="module")
def trial(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The report of a trial of these steps alone."""
    only = [word for step in STEPS for word in ("--only", step)]
    words = ["try", str(FILE), *only, "--watch", "10s", "--wait", "15s", "--json"]
    argv = [sys.executable, "lab.py", *words, "--results", str(tmp_path_factory.mktemp("results"))]
    with pytest.MonkeyPatch.context() as patch:
        for name, image in ensure_example_images(print, project_root()).items():
            patch.setenv(name, image)
        done = subprocess.run(argv, cwd=project_root(), capture_output=True, text=True, timeout=LIMIT_S)
    assert done.returncode == ExitCode.FAILED, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def outcome(trial: dict[str, Any], target: str, fault: str) -> dict[str, Any]:
    """The outcome of the one step of a fault on a target."""
    (found,) = [
        one
        for one in trial["outcomes"]
        if one["step"]["target"].startswith(target) and one["step"]["kind"]["fault"] == fault
    ]
    return dict(found)


def test_a_connection_to_the_database_that_is_never_replaced_is_found(trial: dict[str, Any]) -> None:
    found = outcome(trial, "worker->db", "cut")
    assert (found["verdict"], found["after_s"]) == ("broke", None)
    assert found["broke"][0] == "worker[1]->db:5432 has no connection"
    assert any("the connection is closed" in news["line"] for news in found["log_news"])


def test_the_same_is_found_where_the_database_ends(trial: dict[str, Any]) -> None:
    found = outcome(trial, "db", "kill")
    assert (found["verdict"], found["after_s"]) == ("broke", None)
    assert "worker[1]->db:5432 has no connection" in found["broke"]
    assert not [clause for clause in found["broke"] if clause.startswith("web[1]->db:5432")]


@pytest.mark.parametrize(("target", "fault"), [("feed->web", "reset"), ("web->db", "latency")])
def test_what_comes_back_by_itself_is_no_finding(trial: dict[str, Any], target: str, fault: str) -> None:
    found = outcome(trial, target, fault)
    assert (found["verdict"], found["note"]) == ("came back", "")
    assert found["after_s"] < 5


def test_nothing_of_the_trial_is_left(trial: dict[str, Any]) -> None:
    label = f"label=com.docker.compose.project={project_of(FILE)}"
    for kind in (("ps", "-aq"), ("network", "ls", "-q"), ("volume", "ls", "-q"), ("image", "ls", "-q")):
        argv = ["docker", *kind, "--filter", label]
        assert not subprocess.run(argv, capture_output=True, text=True, check=True, timeout=60).stdout
