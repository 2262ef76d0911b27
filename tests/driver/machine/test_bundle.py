"""`pip install .` must bring all that Compose and the image builds read."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

from driver.scenarios.scenario_file import scenario_paths

ROOT = Path(__file__).parents[3]
PREFIX = "driver/bundle/"
PACKAGES = ("wire", "coordinator", "worker", "chaos", "driver")


def bundled() -> dict[str, str]:
    config = tomllib.loads((ROOT / "pyproject.toml").read_text())
    forced: dict[str, str] = config["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    return {source: target for source, target in forced.items() if target.startswith(PREFIX)}


def test_what_the_images_copy_is_in_the_wheel_at_the_same_place() -> None:
    wanted = {".dockerignore", "compose.yaml", "scenarios", "chaos"}
    for dockerfile in (*ROOT.glob("*/Dockerfile"), *ROOT.glob("chaos/prober/Dockerfile")):
        wanted |= {source.rstrip("/") for source in _copied(dockerfile.read_text())}
    assert wanted <= set(bundled())
    assert all(target == PREFIX + source for source, target in bundled().items())


def _copied(dockerfile: str) -> list[str]:
    """The sources of every COPY from the build context."""
    return re.findall(r"^COPY (?!--from)(?:--\S+ )*(\S+) \S+$", dockerfile, flags=re.MULTILINE)


def test_an_installed_lab_finds_its_scenarios_from_any_folder(tmp_path: Path) -> None:
    site, elsewhere = tmp_path / "site", tmp_path / "elsewhere"
    elsewhere.mkdir()
    for package in PACKAGES:
        shutil.copytree(ROOT / package, site / package, ignore=shutil.ignore_patterns("__pycache__", "*.go"))
    shutil.copy(ROOT / "lab.py", site)
    for source, target in bundled().items():
        copy = shutil.copytree if (ROOT / source).is_dir() else shutil.copy
        (site / target).parent.mkdir(exist_ok=True)
        copy(ROOT / source, site / target)
    words = [sys.executable, "-m", "lab", "scenarios", "--json"]
    environment = {**os.environ, "PYTHONPATH": str(site)}
    ended = subprocess.run(words, cwd=elsewhere, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert {one["name"] for one in json.loads(ended.stdout)} == set(scenario_paths())
