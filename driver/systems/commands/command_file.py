"""Reads a file whose services are commands: with the keys of a Compose file, and `run` in place of an image.

It becomes the same resolved config as a Compose file does: doors and links follow from it as from any.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chaos.explain import nearest
from driver.errors import UsageError
from driver.files import FileReadError, read_file
from driver.scenarios.yaml_file import MAX_BYTES, FileError, KeyPath, NoYamlError, YamlFile, read_yaml
from driver.systems.compose_config import (
    ComposeNetwork,
    ComposeService,
    Dependency,
    PublishedPort,
    ResolvedConfig,
    refuse_names_of_the_lab,
)

RUN = "run"
KEYS = (RUN, "ports", "expose", "environment", "working_dir", "depends_on", "scale")
STARTED, LISTENS, ENDED = "service_started", "service_healthy", "service_completed_successfully"
CONDITIONS = (STARTED, LISTENS, ENDED)
MOST_SERVICES, MOST_REPLICAS = 100, 50
NETWORK = "default"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,40}", re.A)
_PORT = re.compile(
    r"(?:(?:(?P<host>[\d.]+):)?(?P<published>\d*):)?(?P<target>\d+)(?:/(?P<protocol>\w+))?", re.A
)
_HAS_RUN = re.compile(rb"\brun[\"']?[ \t]*:")
_NEEDS_DOCKER = ("image", "build")


@dataclass(frozen=True)
class Command:
    """What one service runs: the words of its program, the folder in which it begins, its own variables.

    A variable that is None has the value that it has in the command which starts the system.
    """

    argv: tuple[str, ...]
    folder: Path
    environment: Mapping[str, str | None]


@dataclass(frozen=True)
class CommandFile:
    """A system of commands: its services as in a Compose file, and the command of each."""

    config: ResolvedConfig
    commands: Mapping[str, Command]


def is_command_file(file: Path) -> bool:
    """Return whether a service of a file has a `run`, which no Compose file has. Raises nothing."""
    try:
        if not _HAS_RUN.search(read_file(file, MAX_BYTES)):
            return False
    except FileReadError:
        return False
    try:
        data = read_yaml(file).data
    except FileError as error:
        # A file that is no YAML is refused by the reader that names the line.
        return isinstance(error, NoYamlError)
    services = data.get("services") if isinstance(data, dict) else None
    return isinstance(services, dict) and any(
        isinstance(one, dict) and RUN in one for one in services.values()
    )


def read_commands(file: Path) -> CommandFile:
    """Return the system of a file. Raises FileError with the line of what is wrong, and UsageError."""
    read = read_yaml(file)
    data = read.data
    if not isinstance(data, dict) or not isinstance(data.get("services"), dict) or not data["services"]:
        raise read.error(
            (), "expected `services:` with a service", "Example: services: {api: {run: python api.py}}"
        )
    for key in data:
        if key not in ("name", "services"):
            raise read.error((key,), "expected name or services", nearest(key, ["name", "services"]))
    if len(data["services"]) > MOST_SERVICES:
        raise read.error(("services",), f"expected at most {MOST_SERVICES} services")
    reader = _Reader(read, file.resolve().parent, list(data["services"]))
    services = {name: reader.service(name, one) for name, one in data["services"].items()}
    if circle := _circle(services):
        problem = f"expected an order in which they can start; found {' -> '.join(circle)}"
        raise read.error(("services", circle[0], "depends_on"), problem)
    commands = {name: reader.command(name, one) for name, one in data["services"].items()}
    named = data.get("name") or file.resolve().parent.name
    config = ResolvedConfig(str(named), services, {NETWORK: ComposeNetwork()})
    refuse_names_of_the_lab(config, str(file))
    return CommandFile(config, commands)


class _Reader:
    def __init__(self, read: YamlFile, folder: Path, names: list[str]) -> None:
        self._read = read
        self._folder = folder
        self._names = names

    def service(self, name: str, data: Any) -> ComposeService:
        """Return what decides about a service's doors."""
        path: KeyPath = ("services", name)
        self._refuse_keys(path, name, data)
        scale = data.get("scale", 1)
        if type(scale) is not int or not 1 <= scale <= MOST_REPLICAS:
            raise self._error(path, "scale", f"expected a number from 1 to {MOST_REPLICAS}; found {scale!r}")
        ports = [self._port((*path, "ports", place), one) for place, one in self._list(path, "ports", data)]
        exposed = [
            self._port((*path, "expose", place), one) for place, one in self._list(path, "expose", data)
        ]
        if scale > 1 and (ports or exposed):
            raise self._error(
                path, "scale", "expected 1, since the service has ports: names in a hosts file take no turns",
                "Write a service for each, with a name of its own.",
            )  # fmt: skip
        return ComposeService(
            command=list(self._words(path, data)),
            environment=self._environment(path, data),
            expose=[str(one.target) for one in exposed],
            ports=ports,
            networks={NETWORK: None},
            depends_on=self._depends_on(path, name, data),
            scale=scale,
        )

    def command(self, name: str, data: Any) -> Command:
        """Return what a service runs."""
        path: KeyPath = ("services", name)
        written = data.get("working_dir", ".")
        folder = self._folder / written if isinstance(written, str) else None
        if folder is None or not folder.is_dir():
            raise self._error(path, "working_dir", f"expected a folder; found {written!r}, which is none")
        return Command(self._words(path, data), folder.resolve(), self._environment(path, data))

    def _refuse_keys(self, path: KeyPath, name: str, data: Any) -> None:
        if not _NAME.fullmatch(name):
            raise self._read.error(path, "expected a name of letters, digits, _, . and -")
        if not isinstance(data, dict):
            raise self._read.error(path, f"expected a service with `{RUN}`; found {data!r}")
        for key in data:
            if key in _NEEDS_DOCKER:
                problem = f"the services of this file are commands (`{RUN}`), and one of them is a container"
                raise self._error(
                    path, key, problem, "Write all of them as commands, or all into a Compose file."
                )
            if key not in KEYS:
                hint = nearest(key, list(KEYS))
                raise self._error(path, key, f"a command has no such key; it has {', '.join(KEYS)}", hint)

    def _words(self, path: KeyPath, data: Mapping[str, Any]) -> tuple[str, ...]:
        """Return the words of a command: a text is for the shell, a list is executed as it is."""
        match data.get(RUN):
            case str(text) if text.strip():
                return "/bin/sh", "-c", text
            case [str(_), *_] as words if all(isinstance(one, str) for one in words):
                return tuple(words)
            case other:
                raise self._error(
                    path, RUN, f"expected a command, as a text or a list of texts; found {other!r}",
                    "Example: run: python api.py",
                )  # fmt: skip

    def _environment(self, path: KeyPath, data: Mapping[str, Any]) -> dict[str, str | None]:
        written = data.get("environment") or {}
        if isinstance(written, list):
            pairs = [str(one).partition("=") for one in written]
            return {name: value if has_value else None for name, has_value, value in pairs}
        if not isinstance(written, dict) or any(isinstance(one, dict | list) for one in written.values()):
            raise self._error(path, "environment", "expected variables, each with a text or a number")
        return {name: None if value is None else _text(value) for name, value in written.items()}

    def _list(self, path: KeyPath, key: str, data: Mapping[str, Any]) -> list[tuple[int, Any]]:
        found = data.get(key) or []
        if not isinstance(found, list):
            raise self._error(
                path, key, f"expected a list of ports; found {found!r}", "Example: ports: [8000]"
            )
        return list(enumerate(found))

    def _port(self, path: KeyPath, written: Any) -> PublishedPort:
        """Return a port in Compose's short form: `8000`, `8080:8000`, `127.0.0.1:8080:8000`."""
        match = _PORT.fullmatch(str(written)) if isinstance(written, str | int) else None
        if match is None or not 1 <= int(match["target"]) <= 65_535 or int(match["published"] or 0) > 65_535:
            raise self._read.error(path, f"expected a TCP port, like 8000 or 8080:8000; found {written!r}")
        if match["protocol"] not in (None, "tcp"):
            raise self._read.error(path, f"expected a TCP port; found {written!r}, which no door carries")
        return PublishedPort(int(match["target"]), match["published"] or "", match["host"] or "")

    def _depends_on(self, path: KeyPath, name: str, data: Mapping[str, Any]) -> dict[str, Dependency]:
        written = data.get("depends_on") or {}
        if isinstance(written, list):
            written = {str(one): {} for one in written}
        if not isinstance(written, dict):
            raise self._error(path, "depends_on", "expected services")
        found = {}
        for other, how in written.items():
            if other not in self._names or other == name:
                problem = f"there is no other service {other!r}"
                raise self._error(
                    path, "depends_on", problem, nearest(other, sorted({*self._names} - {name}))
                )
            condition = how.get("condition", STARTED) if isinstance(how, dict) else how
            if condition not in CONDITIONS:
                raise self._error(
                    path,
                    "depends_on",
                    f"expected a condition of {', '.join(CONDITIONS)}; found {condition!r}",
                )
            found[other] = Dependency(condition)
        return found

    def _error(self, path: KeyPath, key: str, problem: str, hint: str = "") -> UsageError:
        return self._read.error((*path, key), problem, hint)


def _circle(services: Mapping[str, ComposeService]) -> list[str]:
    """Return services each of which waits for the next, the last for the first; none where there are none."""
    waiting = {name: set(one.depends_on) for name, one in services.items()}
    while free := [name for name, others in waiting.items() if not others & waiting.keys()]:
        waiting = {name: others for name, others in waiting.items() if name not in free}
    found: list[str] = []
    name = next(iter(waiting), "")
    while name and name not in found:
        found.append(name)
        name = min(waiting[name] & waiting.keys())
    return [*found[found.index(name) :], name] if name else []


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
