"""How the suite calls lab.py, and pytest, from where it stands."""

from __future__ import annotations

import importlib.util
import sys

from driver.machine.root import is_checkout, project_root


def lab_command() -> list[str]:
    """The words that call the command line that is running now."""
    root = project_root()
    return [sys.executable, str(root / "lab.py")] if is_checkout(root) else [sys.executable, "-m", "lab"]


def why_no_tests() -> str:
    """Why the tests cannot be run here; "" where they can."""
    root = project_root()
    if not is_checkout(root) or not (root / "tests").is_dir():
        return "an installed lab has no tests beside it; run the suite in a checkout for them"
    if importlib.util.find_spec("pytest") is None:
        return "pytest is not installed here; `make dev` brings it"
    return ""
