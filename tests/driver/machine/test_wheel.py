"""A wheel, built and installed into an environment of its own, is a whole lab in an empty folder."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from importlib.metadata import PathDistribution
from pathlib import Path

import pytest

from driver.engines import images
from driver.scenarios.scenario_file import scenario_paths
from tests.driver.judge.histories import healthy_herd

ROOT = Path(__file__).parents[3]
PACKAGES = ("wire", "coordinator", "worker", "chaos", "driver")
LIMIT_S = 280.0


@dataclass(frozen=True)
class Installed:
    """The environment's folders."""

    bin: Path
    site: Path
    empty: Path

    @property
    def bundle(self) -> Path:
        """What Compose and the image builds read."""
        return self.site / "driver" / "bundle"

    def __call__(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run `stormlab` in the empty folder."""
        return subprocess.run(
            [self.bin / "stormlab", *words], cwd=self.empty, capture_output=True, text=True, timeout=LIMIT_S
        )


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """The wheel in a fresh environment, which borrows from this one only what the wheel requires."""
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q"]
    _run([*pip, "wheel", "--no-deps", "--wheel-dir", str(folder), str(ROOT)])
    (wheel,) = folder.glob("stormlab-*.whl")
    _run([sys.executable, "-m", "venv", "--without-pip", str(folder / "env")])
    (site,) = (folder / "env" / "lib").glob("python*/site-packages")
    (site / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    _run([*pip, "--python", str(folder / "env" / "bin" / "python"), "install", "--no-deps", str(wheel)])
    (folder / "empty").mkdir()
    return Installed(folder / "env" / "bin", site, folder / "empty")


def _run(words: list[str]) -> None:
    done = subprocess.run(words, capture_output=True, text=True, timeout=LIMIT_S)
    assert done.returncode == 0, done.stdout + done.stderr


def test_it_lists_every_scenario_and_can_check_one(installed: Installed) -> None:
    listed = installed("scenarios", "--json")
    assert listed.returncode == 0, listed.stderr
    assert {one["name"] for one in json.loads(listed.stdout)} == set(scenario_paths())
    assert installed("validate", "thundering_herd").stdout.startswith("thundering_herd: good, ")


def test_it_names_itself_as_it_is_called(installed: Installed) -> None:
    assert "Run one: stormlab scenario NAME" in installed("scenarios").stdout
    wrong = installed("scenaro").stderr + installed("inject", "--hlp").stderr
    assert wrong.startswith("stormlab: There is no command 'scenaro'.")
    assert "See: stormlab inject --help" in wrong
    found = installed("inject", "--help").stdout
    assert found.startswith("Usage: stormlab inject")
    assert "lab.py" not in found


def test_it_builds_the_very_images_that_a_checkout_builds(installed: Installed) -> None:
    for image in images.CATALOGUE:
        assert images.digest(image, installed.bundle) == images.digest(image, ROOT), image.service
    for name in ("compose.yaml", ".dockerignore", "containers.lock"):
        assert (installed.bundle / name).read_bytes() == (ROOT / name).read_bytes()


def test_it_has_every_file_of_its_packages_that_is_no_code(installed: Installed) -> None:
    known = subprocess.run(
        ["git", "ls-files", *PACKAGES, "monitoring", "scenarios"], cwd=ROOT, capture_output=True, text=True,
        check=True,
    ).stdout.splitlines()  # fmt: skip
    assert len(known) > 300
    bundled = {"monitoring": installed.bundle, "scenarios": installed.bundle}
    places = {name: bundled.get(name.split("/")[0], installed.site) / name for name in known}
    assert [name for name, place in places.items() if not place.is_file()] == []
    assert not (installed.site / "tests").exists()


def test_it_judges_a_run_and_writes_its_report(installed: Installed, tmp_path: Path) -> None:
    folder = healthy_herd().write(tmp_path / "20261124T021500Z-herd", planned_faults=2)
    judged = installed("judge", str(folder))
    assert (judged.returncode, judged.stderr) == (0, "")
    assert (folder / "report.html").read_text().startswith("<!doctype html>")


def test_it_requires_what_requirements_in_names_and_nothing_of_the_tests(installed: Installed) -> None:
    (found,) = installed.site.glob("stormlab-*.dist-info")
    required = {re.split(r"[^\w-]", one)[0] for one in PathDistribution(found).requires or []}
    lines = (ROOT / "requirements.in").read_text().splitlines()
    assert required == {re.split(r"[^\w-]", line)[0] for line in lines if line and not line.startswith("#")}
