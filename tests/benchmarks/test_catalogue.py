"""Every benchmark of the catalogue can be read and run: it says what it measures, and has its rows.

The scripts are read and not imported: some need libraries that only `make bench` installs.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from benchmarks.__main__ import resolved
from benchmarks.catalogue import BENCHES, LAB, LAB_BENCHES

ROOM = Path(__file__).resolve().parents[2] / "benchmarks"
EVERY = (*BENCHES, *LAB_BENCHES)


def script(name: str) -> ast.Module:
    return ast.parse((ROOM / f"bench_{name}.py").read_text())


def test_every_script_is_in_the_catalogue_once() -> None:
    assert sorted(EVERY) == sorted(path.stem.removeprefix("bench_") for path in ROOM.glob("bench_*.py"))


@pytest.mark.parametrize("name", EVERY)
def test_a_script_begins_with_what_it_measures_against_what_and_why_that_is_fair(name: str) -> None:
    said = ast.get_docstring(script(name)) or ""
    assert len(said.splitlines()) >= 3
    assert re.search(r"\b(against|beside)\b", said, re.I), f"bench_{name}.py does not say against what"
    assert re.search(r"\bfair", said, re.I), f"bench_{name}.py does not say why it is fair"


@pytest.mark.parametrize("name", EVERY)
def test_a_script_gives_rows_quickly_or_in_full(name: str) -> None:
    functions = [node for node in script(name).body if isinstance(node, ast.FunctionDef)]
    (rows,) = [node for node in functions if node.name == "rows"]
    assert ast.unparse(rows.args) == "*, quick: bool"
    assert rows.returns is not None
    assert "main" not in [node.name for node in functions]


def test_without_a_name_all_run_that_need_no_lab() -> None:
    assert resolved([]) == list(BENCHES)


def test_one_lab_is_up_for_all_benchmarks_that_need_one() -> None:
    assert resolved([LAB, BENCHES[0]]) == [*LAB_BENCHES, BENCHES[0]]


def test_a_former_name_still_measures() -> None:
    assert resolved(["sealing"]) == ["frame_costs"]
