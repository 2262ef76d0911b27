"""The lab's own version."""

from __future__ import annotations

import subprocess
import tomllib
from importlib import metadata
from pathlib import Path

from driver.paths import project_root

GIT_S = 10.0


def own_version() -> str:
    """Return the version that pyproject.toml names; in a checkout also the commit."""
    try:
        return metadata.version("stormlab")
    except metadata.PackageNotFoundError:
        version = tomllib.loads((project_root() / "pyproject.toml").read_text())["project"]["version"]
        return f"{version}, checkout {_commit()}".strip()


def _commit() -> str:
    """Return the checked-out commit, and whether files differ from it; "" without git or a repository."""

    def git(*words: str) -> str:
        command = ["git", "-C", str(Path(__file__).resolve().parent), *words]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=GIT_S)
        return done.stdout.strip()

    try:
        changed = git("status", "--porcelain", "--untracked-files=no", "--", ":/", ":(top,exclude)docs")
        return git("rev-parse", "--short", "HEAD") + (" with changes" if changed else "")
    except (OSError, subprocess.SubprocessError):
        return ""
