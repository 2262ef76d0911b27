"""Paths of the lab's own files, and of the folders that it writes to."""

from __future__ import annotations

import os
import re
import shlex
import sys
from pathlib import Path

from driver.errors import LabError

HERE = Path(__file__).resolve()


def project_root() -> Path:
    """Return the folder of compose.yaml and lab.py: the checkout, or the installed `driver/bundle/`."""
    checkout = HERE.parents[1]
    return checkout if is_checkout(checkout) else HERE.parent / "bundle"


def working_root() -> Path:
    """Return the folder of `results/` and `.stormlab/`: the checkout, else the current directory."""
    checkout = HERE.parents[1]
    return checkout if is_checkout(checkout) else Path.cwd()


def state_dir() -> Path:
    """Return `.stormlab/`, the state of this machine's lab; created if missing. Raises LabError."""
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
    """Whether a folder has compose.yaml and lab.py."""
    return (folder / "compose.yaml").is_file() and (folder / "lab.py").is_file()


PROGRAM = "lab.py" if is_checkout(HERE.parents[1]) else "stormlab"
"""The command's name: an installed lab has no lab.py."""
_CALLS = re.compile(r"(?<![\w./])(?:python )?lab\.py\b")


def as_called(text: str) -> str:
    """Return `text` with its `python lab.py` replaced by the command that exists in the current folder."""
    if PROGRAM != "lab.py":
        return _CALLS.sub(PROGRAM, text)
    return text if _is_here(project_root()) else _CALLS.sub(lambda _: _by_path("python"), text)


def as_called_anywhere(text: str) -> str:
    """Return `text` with its `python lab.py` replaced by a command that works in every folder.

    It has the absolute paths of this interpreter and of lab.py, or of the installed command.
    """
    if PROGRAM == "lab.py":
        return _CALLS.sub(lambda _: _by_path(shlex.quote(sys.executable)), text)
    installed = Path(sys.executable).parent / PROGRAM
    command = shlex.quote(str(installed)) if installed.is_file() else PROGRAM
    return _CALLS.sub(lambda _: command, text)


def _by_path(python: str) -> str:
    return f"{python} {shlex.quote(str(project_root() / 'lab.py'))}"


def shown_path(path: Path | str) -> str:
    """Return a path as short as a person would give it: without `..`, relative to the current folder where it
    is in it.
    """
    whole = Path(path).resolve()
    try:
        here = Path.cwd()
    except FileNotFoundError:
        return str(whole)
    return str(whole.relative_to(here) if whole.is_relative_to(here) else whole)


def _is_here(folder: Path) -> bool:
    """Whether a folder is the current one, which may have been removed."""
    try:
        return Path.cwd() == folder
    except FileNotFoundError:
        return False
