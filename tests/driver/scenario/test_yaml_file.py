"""YAML with line numbers: what is read, and what is refused with its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from driver.scenarios.yaml_file import (
    MAX_BYTES,
    FileError,
    key_path,
    parse_yaml,
    read_yaml,
    scalar,
    substitute,
)


def test_every_key_has_its_line() -> None:
    file = parse_yaml("# About.\na: 1\nb:\n  - c: 2\n    d: [3,\n        4]\n", "f.yaml")
    assert file.data == {"a": 1, "b": [{"c": 2, "d": [3, 4]}]}
    assert [file.line_of(path) for path in (("a",), ("b", 0, "c"), ("b", 0, "d", 1))] == [2, 4, 6]


def test_a_missing_key_is_reported_with_its_place() -> None:
    file = parse_yaml("a: 1\nb:\n  c: 2\n", "f.yaml")
    assert file.line_of(("b", "missing", "deeper")) == 2


def test_the_first_comment_is_kept_without_its_marks() -> None:
    text = "# One\n# claim.\n#\n# More.\n# yaml-language-server: $schema=x\n\n# Not this.\na: 1\n"
    assert parse_yaml(text, "f.yaml").comment == "One\nclaim.\n\nMore."


def test_scientific_notation_stays_readable_as_a_share() -> None:
    assert parse_yaml("rate: 1e-4", "f.yaml").data == {"rate": "1e-4"}


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("a: 1\nb: [1, 2\n", 3, "no YAML"),
        ("a: 1\na: 2\n", 2, "a second time"),
        ("a: 1\n? [x, y]\n: 2\n", 2, "expected a plain key"),
        ("a: &x [*x]\n", 1, "nested more than"),
        ("a: \x07", 1, "no YAML"),
    ],
)
def test_what_is_no_plain_yaml_is_refused_with_its_line(text: str, line: int, message: str) -> None:
    with pytest.raises(FileError, match=message) as caught:
        parse_yaml(text, "f.yaml")
    assert caught.value.line == line
    assert str(caught.value).startswith(f"f.yaml:{line}" if line else "f.yaml: ")


def test_aliases_cannot_make_a_small_file_endless() -> None:
    levels = "\n".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 9))
    with pytest.raises(FileError, match="values"):
        parse_yaml(f"a0: &a0 [1]\n{levels}\n", "f.yaml")


def test_a_file_that_cannot_be_read_is_reported(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="cannot be read"):
        read_yaml(tmp_path / "missing.yaml")
    (tmp_path / "latin.yaml").write_bytes(b"a: 1\nb: \xff\n")
    with pytest.raises(FileError, match="UTF-8") as caught:
        read_yaml(tmp_path / "latin.yaml")
    assert caught.value.line == 2
    (tmp_path / "large.yaml").write_bytes(b"#" * (MAX_BYTES + 1))
    with pytest.raises(FileError, match="at most"):
        read_yaml(tmp_path / "large.yaml")


def test_a_variable_alone_keeps_its_type_and_one_inside_a_text_becomes_text() -> None:
    data = {"a": "${n}", "b": "x-${n}-${t}", "c": ["${t}"], "d": 5}
    assert substitute(data, {"n": 3, "t": "10s"}) == {"a": 3, "b": "x-3-10s", "c": ["10s"], "d": 5}


def test_a_variable_without_a_value_is_reported_by_its_name() -> None:
    with pytest.raises(KeyError, match="missing"):
        substitute({"a": "${missing}"}, {})


@pytest.mark.parametrize(
    ("text", "value"), [("3", 3), ("10s", "10s"), ("true", True), ("[1, 2]", [1, 2]), ("{", "{")]
)
def test_a_value_on_the_command_line_is_read_as_yaml_has_it(text: str, value: object) -> None:
    assert scalar(text) == value


def test_a_key_path_reads_as_one_would_write_it() -> None:
    assert key_path(("timeline", 0, "targets")) == "timeline[0].targets"
