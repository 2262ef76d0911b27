"""`system.json`: what later commands need of a system that is up, written by `up`."""

from __future__ import annotations

import shlex
from pathlib import Path

import msgspec

from driver.errors import LabError, NoLabError, UsageError
from driver.files import FileReadError, read_file, write_file
from driver.systems.doors import Door
from driver.systems.made_containers import MadeContainer
from driver.systems.system import System
from driver.typed_json import decode_json
from wire.errors import DECODE_ERRORS

MOST_BYTES = 4 << 20
_NAME = "system.json"
COMPOSE = "compose"
"""The kind of a system whose services are the containers of a Compose file."""


class SystemFile(msgspec.Struct, frozen=True):
    """A system that is up: its Compose files and options, its model, its doors, its containers as made.

    `prober_host` and `relay_host` are the addresses that prober and relay have once they run; "" without one.
    `journals` is the folder of its processes' journals; "": in the system's own folder. `kind` is that of
    `system_kinds`.
    """

    project: str
    files: list[str]
    system: System
    doors: list[Door]
    containers: dict[str, MadeContainer]
    profiles: list[str] = []
    bypass: list[str] = []
    egress: list[str] = []
    prober_host: str = ""
    relay_host: str = ""
    journals: str = ""
    kind: str = COMPOSE


def write_system_file(folder: Path, file: SystemFile) -> None:
    """Write a system's file into its folder. Raises LabError."""
    write_file(folder / _NAME, msgspec.json.format(msgspec.json.encode(file)))


def read_system_file(folder: Path, named: str) -> SystemFile:
    """Return the file of a system, which the error calls `named`.

    Raises UsageError as `no_system` where there is none, and LabError where it does not decode.
    """
    path = folder / _NAME
    if not path.exists():
        raise no_system(named)
    try:
        return decode_json(read_file(path, MOST_BYTES), SystemFile)
    except (FileReadError, *DECODE_ERRORS) as error:
        raise LabError(f"{path} cannot be read: {error}.", "Take the system down, then up.") from None


def is_written(folder: Path) -> bool:
    """Return whether a system's folder has its file."""
    return (folder / _NAME).exists()


def no_system(named: str) -> UsageError:
    """Return the error of a command that needs the system of a file that is up, where none is."""
    if not Path(named).is_file():
        return UsageError(
            f"{named} is no file, and no system of it is up.", "Give the path of a Compose file."
        )
    file = shlex.quote(named)
    return NoLabError(f"The system {named} is not up.", f"Start it: python lab.py up --system {file}")
