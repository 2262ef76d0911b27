"""Reads YAML, and remembers on which line each key stands, so that an error can say where. The only importer
of yaml.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from driver.errors import WrongUseError

Path_ = tuple[str | int, ...]
MAX_BYTES = 1 << 20
MAX_DEPTH = 30
MAX_NODES = 100_000
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


class FileError(WrongUseError):
    """Something in a file that cannot be: where, what was expected and what was found."""

    def __init__(self, file: str, line: int, path: Path_, problem: str, hint: str = "") -> None:
        where = f"{file}:{line}" if line else file
        key = key_path(path)
        # A hint follows as a sentence of its own.
        stop = "." if hint and problem[-1] not in ".?!" else ""
        super().__init__(f"{where}: {f'`{key}`: ' if key else ''}{problem}{stop}", hint)
        self.file, self.line, self.path, self.problem = file, line, path, problem


@dataclass(frozen=True)
class YamlFile:
    """One file's content as plain Python, the comment it begins with, and the line of each key (from 1)."""

    name: str
    data: Any
    comment: str
    lines: Mapping[Path_, int] = field(default_factory=dict)

    def line_of(self, path: Path_) -> int:
        """The line on which a key stands, or the nearest one above it; 0 for the file as a whole."""
        for length in range(len(path), 0, -1):
            if path[:length] in self.lines:
                return self.lines[path[:length]]
        return 0

    def error(self, path: Path_, problem: str, hint: str = "") -> FileError:
        """The error that says what is wrong at `path`."""
        return FileError(self.name, self.line_of(path), path, problem, hint)


def read_yaml(path: Path, shown_as: str = "") -> YamlFile:
    """A file's content. Raises FileError when it cannot be read or is no YAML."""
    name = shown_as or str(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise FileError(name, 0, (), f"cannot be read: {error.strerror or error}") from None
    if len(data) > MAX_BYTES:
        raise FileError(name, 0, (), f"expected at most {MAX_BYTES} bytes; found {len(data)}")
    try:
        return parse_yaml(data.decode(), name)
    except UnicodeDecodeError as error:
        raise FileError(name, data[: error.start].count(b"\n") + 1, (), "expected UTF-8 text") from None


def parse_yaml(text: str, name: str) -> YamlFile:
    """A text's content; `name` is what errors call it. Raises FileError."""
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise FileError(
            name, mark.line + 1 if mark else 0, (), f"no YAML: {error.problem or error.context}"
        ) from None
    except yaml.YAMLError as error:
        raise FileError(name, 0, (), f"no YAML: {error}") from None
    lines: dict[Path_, int] = {}
    data = _plain(node, (), lines, name) if node is not None else None
    return YamlFile(name, data, _comment(text), lines)


def scalar(text: str) -> Any:
    """What a text would be as a YAML value: `3` is a number, `true` a truth, `10s` text. For `--var k=v`."""
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError:
        return text
    return value if isinstance(value, str | int | float | bool | list) else text


def dump_yaml(data: Any) -> str:
    """Plain Python as YAML, keys in their order."""
    return str(yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=110))


def substitute(data: Any, values: Mapping[str, Any]) -> Any:
    """`data` with every `${name}` replaced; a text that is nothing else takes the value's own type.

    Raises KeyError with a name that has no value.
    """
    if isinstance(data, dict):
        return {key: substitute(value, values) for key, value in data.items()}
    if isinstance(data, list):
        return [substitute(item, values) for item in data]
    if not isinstance(data, str):
        return data
    if whole := _VARIABLE.fullmatch(data):
        return values[whole[1]]
    return _VARIABLE.sub(lambda match: str(values[match[1]]), data)


def key_path(path: Path_) -> str:
    """`timeline[0].targets`: a path as one would write it."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


def _plain(node: yaml.Node, path: Path_, lines: dict[Path_, int], name: str) -> Any:
    lines.setdefault(path, node.start_mark.line + 1)
    if len(path) > MAX_DEPTH or len(lines) > MAX_NODES:
        # Aliases can make a small file endless.
        raise FileError(
            name,
            node.start_mark.line + 1,
            (),
            f"nested more than {MAX_DEPTH} deep, or more than {MAX_NODES} values",
        )
    if isinstance(node, yaml.MappingNode):
        plain: dict[str, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                raise FileError(name, line, path, "expected a plain key; found a list or a mapping")
            key = str(key_node.value)
            if key in plain:
                raise FileError(
                    name, line, (*path, key), "stands here a second time; the first would be lost"
                )
            lines[(*path, key)] = line
            plain[key] = _plain(value_node, (*path, key), lines, name)
        return plain
    if isinstance(node, yaml.SequenceNode):
        return [_plain(item, (*path, place), lines, name) for place, item in enumerate(node.value)]
    return _scalar(node)


def _scalar(node: yaml.Node) -> Any:
    value = yaml.SafeLoader("").construct_object(node, deep=True)
    # Dates and the like mean nothing here; the text as written lets the error show what stands in the file.
    return value if value is None or isinstance(value, str | int | float | bool) else str(node.value)


def _comment(text: str) -> str:
    """The first lines that are comments, without their marks; editors' own lines are left out."""
    found: list[str] = []
    for line in text.splitlines():
        if not line.startswith("#"):
            break
        if not line.startswith("# yaml-language-server:"):
            found.append(line[1:].removeprefix(" ").rstrip())
    return "\n".join(found).strip()
