"""Reads YAML with the line of each key, so that errors name it. The only importer of yaml."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from chaos.explain import shortened
from driver.errors import UsageError
from driver.files import FileReadError, read_file
from driver.scenarios.scalars import Budget, ScalarError, read_scalar, read_text

KeyPath = tuple[str | int, ...]
MAX_BYTES = 1 << 20
MAX_DEPTH = 30
_TAG = "tag:yaml.org,2002:"
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


class FileError(UsageError):
    """An error in a file: its file, line, key path, and what was expected and found."""

    unknown = False
    """Whether it is an unknown key."""

    def __init__(self, file: str, line: int, path: KeyPath, problem: str, hint: str = "") -> None:
        where = f"{file}:{line}" if line else file
        key = shortened(key_path(path), 200)
        # A hint follows as a sentence of its own.
        stop = "." if hint and problem[-1] not in ".?!" else ""
        prefix = f"{where}: " if where else ""
        super().__init__(f"{prefix}{f'`{key}`: ' if key else ''}{shortened(problem)}{stop}", hint)
        self.file, self.line, self.path, self.problem = file, line, path, problem


class NoYamlError(FileError):
    """A text that is no YAML."""


@dataclass(frozen=True)
class YamlFile:
    """One file's content as plain Python, its first comment, and the line of each key (from 1)."""

    name: str
    data: Any
    comment: str
    lines: Mapping[KeyPath, int] = field(default_factory=dict)

    def line_of(self, path: KeyPath) -> int:
        """Return the line of a key, or of the nearest enclosing one; 0 for the file as a whole."""
        for length in range(len(path), 0, -1):
            if path[:length] in self.lines:
                return self.lines[path[:length]]
        return 0

    def error(self, path: KeyPath, problem: str, hint: str = "") -> FileError:
        """Return the error at `path`."""
        return FileError(self.name, self.line_of(path), path, problem, hint)


def read_yaml(path: Path, shown_as: str = "") -> YamlFile:
    """Return a file's content. Raises FileError when it cannot be read or is no YAML."""
    name = shown_as or str(path)
    try:
        data = read_file(path, MAX_BYTES)
    except FileReadError as error:
        raise FileError(name, 0, (), str(error)) from None
    try:
        # With or without a byte order mark.
        return parse_yaml(data.decode("utf-8-sig"), name)
    except UnicodeDecodeError as error:
        raise FileError(name, data[: error.start].count(b"\n") + 1, (), "expected UTF-8 text") from None


def parse_yaml(text: str, name: str) -> YamlFile:
    """Return a text's content; `name` is its name in errors. Raises FileError."""
    node = _composed(text, name)
    lines: dict[KeyPath, int] = {}
    data = _Plain(name, lines).value(node, ()) if node is not None else None
    return YamlFile(name, data, _comment(text), lines)


def scalar(text: str) -> Any:
    """Return a text as a YAML value: `3` is a number, `true` a boolean, `[1, 2]` a list, `10s` text.

    For `--var k=v`. Raises FileError for a number out of range; a text that is no YAML is text.
    """
    if len(text) > MAX_BYTES:
        raise FileError("", 0, (), f"expected at most {MAX_BYTES} characters; found {len(text)}")
    try:
        value = parse_yaml(text, "").data
    except NoYamlError:
        value = text
    return value if isinstance(value, str | int | float | bool | list) else text


def dump_yaml(data: Any) -> str:
    """Return plain Python as YAML, keys in their order."""
    return str(yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=110))


def flow_yaml(entry: Mapping[str, Any]) -> str:
    """Return an entry of a list as a file has it on one line: `check: {key: value}`."""
    text = yaml.safe_dump(dict(entry), sort_keys=False, default_flow_style=True, width=10_000)
    return str(text).strip()[1:-1]


def variables_in(data: Any, path: KeyPath = ()) -> Iterator[tuple[KeyPath, str]]:
    """Yield every `${name}` in `data`, with the path of its text."""
    if isinstance(data, str):
        yield from ((path, found[1]) for found in _VARIABLE.finditer(data))
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in items:
        yield from variables_in(value, (*path, key))


def substitute(data: Any, values: Mapping[str, Any], budget: Budget | None = None) -> Any:
    """Return `data` with every `${name}` replaced; a text that is one variable takes the value's type.

    Raises KeyError for a name without a value, ScalarError when the result exceeds `budget`.
    """
    budget = budget or Budget()
    if isinstance(data, dict):
        budget.take(None)
        return {key: substitute(value, values, budget) for key, value in data.items()}
    if isinstance(data, list):
        budget.take(None)
        return [substitute(item, values, budget) for item in data]
    if not isinstance(data, str):
        return data
    if whole := _VARIABLE.fullmatch(data):
        return _counted(values[whole[1]], budget)
    texts: dict[str, str] = {}

    def text_of(match: re.Match[str]) -> str:
        text = texts.setdefault(match[1], str(values[match[1]]))
        # Counted before joining: a text that repeats a long value is refused, not built.
        budget.take(text)
        return text

    return _VARIABLE.sub(text_of, data)


def _counted(value: Any, budget: Budget) -> Any:
    budget.take(value)
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        _counted(item, budget)
    return value


def key_path(path: KeyPath) -> str:
    """Return a path as text, like `timeline[0].targets`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


class _Loader(yaml.SafeLoader):
    """Composes nodes, no deeper than MAX_DEPTH, of plain values without tags. Raises FileError."""

    def __init__(self, text: str, name: str) -> None:
        super().__init__(text)
        self.file_name = name
        self.path: list[str | int] = []
        self.depth = 0
        self.nodes = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        event: Any = self.peek_event()  # type: ignore[no-untyped-call]
        self.nodes += 1
        if self.nodes > 2 * Budget.values:
            # Keys are nodes too. Aliases are counted when they are expanded.
            raise self._refused(event, self.path[:1], f"expected at most {Budget.values:,} values")
        if self.depth > MAX_DEPTH:
            raise self._refused(event, self.path[:1], f"nested more than {MAX_DEPTH} deep")
        part = index if isinstance(index, int) else str(getattr(index, "value", ""))
        # A node without an index is the document, or a key.
        inside = index is not None
        self.path += [part] if inside else []
        # A lone exclamation mark marks the value as text.
        if (tag := getattr(event, "tag", None)) not in (None, "!"):
            shown = tag.replace(_TAG, "!!")
            text = f"expected a plain value; found the tag {shown}. Text that begins with ! needs quotes"
            raise self._refused(event, self.path, text)
        self.depth += 1
        node: yaml.Node | None = super().compose_node(parent, index)
        self.depth -= 1
        if inside:
            self.path.pop()
        return node

    def _refused(self, event: Any, path: list[str | int], text: str) -> FileError:
        return FileError(self.file_name, event.start_mark.line + 1, tuple(path), text)


def _composed(text: str, name: str) -> yaml.Node | None:
    """Return the text's nodes. Raises FileError with the line."""
    line = 0
    try:
        loader = _Loader(text, name)
        try:
            return loader.get_single_node()
        finally:
            line = loader.line + 1
            loader.dispose()
    except yaml.reader.ReaderError as error:
        line = text[: error.position].count("\n") + 1
        code = error.character if isinstance(error.character, int) else ord(error.character)
        raise NoYamlError(name, line, (), f"no YAML: it may not contain the character U+{code:04X}") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else line
        raise NoYamlError(name, line, (), f"no YAML: {error.problem or error.context}") from None
    except (ValueError, OverflowError) as error:
        # Of the library's own calls: an escape beyond Unicode, a %YAML directive of a thousand digits.
        raise NoYamlError(name, line, (), f"no YAML: {error}") from None


@dataclass
class _Plain:
    """Converts the nodes of one file to plain Python."""

    name: str
    lines: dict[KeyPath, int]
    budget: Budget = field(default_factory=Budget)

    def value(self, node: yaml.Node, path: KeyPath) -> Any:
        """Return the value of a node. Raises FileError."""
        line = node.start_mark.line + 1
        self.lines.setdefault(path, line)
        if len(path) > MAX_DEPTH:
            # Aliases can make a small file infinite.
            raise FileError(self.name, line, (), f"nested more than {MAX_DEPTH} deep")
        try:
            self.budget.take(node.value)
            if isinstance(node, yaml.MappingNode):
                return self._mapping(node, path)
            if isinstance(node, yaml.SequenceNode):
                return [self.value(item, (*path, place)) for place, item in enumerate(node.value)]
            return read_scalar(_kind(node), node.value)
        except ScalarError as error:
            raise FileError(self.name, line, path, str(error)) from None

    def _mapping(self, node: yaml.MappingNode, path: KeyPath) -> dict[str, Any]:
        plain: dict[str, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            key = self._key(key_node, path)
            if key in plain:
                raise FileError(
                    self.name, line, (*path, key), "occurs a second time; the first would be lost"
                )
            self.lines[(*path, key)] = line
            plain[key] = self.value(value_node, (*path, key))
        return plain

    def _key(self, node: yaml.Node, path: KeyPath) -> str:
        """Return a key as its text, whatever type YAML gives it. Raises FileError."""
        line = node.start_mark.line + 1
        if not isinstance(node, yaml.ScalarNode):
            raise FileError(self.name, line, path, "expected a plain key; found a list or a mapping")
        try:
            if _kind(node) == "merge":
                read_scalar("merge", node.value)
            return read_text(node.value)
        except ScalarError as error:
            raise FileError(self.name, line, path, str(error)) from None


def _kind(node: yaml.Node) -> str:
    return str(node.tag).removeprefix(_TAG)


def _comment(text: str) -> str:
    """Return the text of the first comment, without the lines for editors."""
    found: list[str] = []
    for line in text.splitlines():
        if not line.startswith("#"):
            break
        if not line.startswith("# yaml-language-server:"):
            found.append(line[1:].removeprefix(" ").rstrip())
    return "\n".join(found).strip()
