"""Where the lab's own files stand, and where it may write."""

from __future__ import annotations

import os
from pathlib import Path

from driver.errors import LabError

HERE = Path(__file__).resolve()


def project_root() -> Path:
    """The folder of compose.yaml and lab.py: the checkout, or the installed `driver/bundle/`."""
    checkout = HERE.parents[2]
    return checkout if is_checkout(checkout) else HERE.parents[1] / "bundle"


def working_root() -> Path:
    """The folder under which `results/` and `.stormlab/` stand: the checkout, else the current directory."""
    checkout = HERE.parents[2]
    return checkout if is_checkout(checkout) else Path.cwd()


def state_dir() -> Path:
    """`.stormlab/`, made if need be: what the set-up found out about this machine."""
    folder = working_root() / ".stormlab"
    try:
        folder.mkdir(exist_ok=True)
        writable = os.access(folder, os.W_OK)
    except OSError:
        writable = False
    if not writable:
        cure = "Run this as the owner of that folder, or from a folder of your own."
        raise LabError(f"Cannot write to {folder}.", cure)
    return folder


def is_checkout(folder: Path) -> bool:
    return (folder / "compose.yaml").is_file() and (folder / "lab.py").is_file()
