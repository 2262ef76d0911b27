"""The CI job and its page ask lab.py only for what it has."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import click
import pytest

from driver.cli.main import CATALOGUE, module_of
from driver.scenarios.yaml_file import parse_yaml

ROOT = Path(__file__).resolve().parents[3]
WORKFLOWS = ROOT / ".github" / "workflows"
PAGES = (WORKFLOWS / "lab.yml", WORKFLOWS / "scenario.yml", ROOT / "docs" / "ci.md")


def asked(page: Path) -> list[tuple[str, list[str]]]:
    """Each `lab.py` command on a page, with its options."""
    found = re.findall(r"lab\.py (\w+)([^\n`#]*)", page.read_text())
    return [(name, re.findall(r"(?<=\s)--[a-z-]+", rest)) for name, rest in found]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_and_option_on_the_page_is_there(page: Path) -> None:
    found = asked(page)
    assert found
    for name, options in found:
        assert name in CATALOGUE, name
        command = importlib.import_module(f"driver.cli.{module_of(name)}").command
        assert isinstance(command, click.Command)
        known = {option for parameter in command.params for option in parameter.opts}
        assert set(options) <= known, f"{name} {options}"


def test_every_path_that_keys_the_image_cache_is_there() -> None:
    keys = re.search(r"key: images-\$\{\{ hashFiles\((.*)\) \}\}", PAGES[0].read_text())
    assert keys is not None
    for path in re.findall(r"'([^']+)'", keys[1]):
        assert (ROOT / path.removesuffix("/**")).exists(), path


def test_the_example_of_a_caller_gives_the_reusable_workflow_only_inputs_that_it_has() -> None:
    example = re.search(r"```yaml\n(name: storm\n.*?)```", PAGES[2].read_text(), re.DOTALL)
    assert example is not None
    given = parse_yaml(example[1], "caller").data["jobs"]["storm"]["with"]
    called = parse_yaml(PAGES[1].read_text(), "scenario.yml").data["on"]["workflow_call"]["inputs"]
    required = {name for name, about in called.items() if about.get("required")}
    assert required <= given.keys() <= called.keys()
