"""Claims about faults with an anchor on a foreign system, on real containers: examples/jobs, as it is."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator

import pytest

from driver.machine.example_images import ensure_example_images
from driver.paths import project_root

FILE = project_root() / "examples" / "jobs" / "compose.yaml"
SYSTEM = ("--system", str(FILE))
LIMIT_S = 280.0


@pytest.fixture(scope="module", autouse=True)
def system() -> Iterator[None]:
    """The example, up behind doors for all tests of this file."""
    with pytest.MonkeyPatch.context() as patch:
        for name, image in ensure_example_images(print, project_root()).items():
            patch.setenv(name, image)
        lab_py("down", *SYSTEM)
        assert lab_py("up", *SYSTEM, "--any-ports").returncode == 0
        try:
            yield
        finally:
            lab_py("down", *SYSTEM)


def lab_py(*words: str) -> subprocess.CompletedProcess[str]:
    """Run a command of lab.py to its end."""
    argv = [sys.executable, str(project_root() / "lab.py"), *words]
    return subprocess.run(argv, capture_output=True, text=True, timeout=LIMIT_S, cwd=project_root())


@pytest.mark.parametrize("before", ["", ", before: true"])
def test_a_reset_strikes_at_the_commit_of_a_transaction(before: str) -> None:
    done = lab_py("inject", "reset", "--links", "web->db", "--when", f"pattern: COMMIT{before}", *SYSTEM)
    assert done.returncode == 0, done.stdout + done.stderr
    where = r"the door struck after \d+ bytes to_server of (a connection that was open|connection \d+)"
    assert re.search(rf"{where} on web\[1\]->db:5432$", done.stdout, re.MULTILINE), done.stdout


def test_another_doors_links_are_begun_by_the_driver() -> None:
    when = "link: web->db, pattern: COMMIT"
    done = lab_py("inject", "stall", "--links", "web->redis", "--for", "6s", "--when", when, *SYSTEM)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"the driver began it \d+\.\d ms after the door reported the anchor", done.stdout)
