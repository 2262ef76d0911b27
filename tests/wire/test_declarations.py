"""Claims about declarations: what the modules of a package declare is found, and a mistake names its file."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from wire.declarations import DeclarationError, attribute, declarations, named


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A package `declaring` with two modules, which are forgotten afterwards."""
    folder = tmp_path / "declaring"
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "two.py").write_text("LENGTH = 3\n")
    (folder / "one.py").write_text("LENGTH = 7\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.invalidate_caches()
    yield folder
    for name in [name for name in sys.modules if name.partition(".")[0] == "declaring"]:
        del sys.modules[name]


def lengths(*besides: str) -> dict[str, int]:
    return declarations("declaring", attribute("LENGTH", int), "`LENGTH = …`", besides)


def test_each_module_is_found_in_the_order_of_the_names(package: Path) -> None:
    assert list(lengths().items()) == [("declaring.one", 7), ("declaring.two", 3)]


def test_a_rank_comes_before_the_name(package: Path) -> None:
    (package / "a.py").write_text("LENGTH = 7\n")
    found = declarations("declaring", attribute("LENGTH", int), "", rank=lambda length: length)
    assert list(found) == ["declaring.two", "declaring.a", "declaring.one"]


@pytest.mark.parametrize("text", ["", "LENGTH = 'long'\n"], ids=["nothing", "of another type"])
def test_a_module_that_declares_nothing_is_an_error_that_names_its_file(package: Path, text: str) -> None:
    (package / "three.py").write_text(text)
    with pytest.raises(DeclarationError, match=r"declaring/three\.py: expected `LENGTH = …`; found none"):
        lengths()
    assert len(lengths("three")) == 2


def test_a_name_that_is_declared_twice_is_an_error_that_names_both_files(package: Path) -> None:
    (package / "three.py").write_text("LENGTH = 3\n")
    with pytest.raises(
        DeclarationError, match=r"'3' is declared twice: in declaring\.three and in declaring"
    ):
        named(lengths(), lambda length: [(str(length), length)])


def test_a_module_that_is_excepted_and_is_not_there_is_an_error(package: Path) -> None:
    with pytest.raises(DeclarationError, match=r"declaring/: expected the modules three, .*; found none"):
        lengths("three")
