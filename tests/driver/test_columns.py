"""Tables fit a terminal of 80 columns: no word of a heading is broken, whatever the cells hold."""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driver.columns import GAP, layout
from driver.compare.markdown import ranking_columns
from driver.compare.rank import BESIDE, Ranking
from driver.metrics import METRICS

ROOT = Path(__file__).resolve().parents[2]
NARROW = 80
LONGEST_METRIC = max(METRICS, key=len)


def tables() -> Iterator[tuple[str, list[str], list[str]]]:
    """Every table that a command prints: where, its headings, and those that a narrow terminal may lack."""
    for path in sorted((ROOT / "driver" / "cli").rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        module = importlib.import_module(".".join(parts))
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and _name(node.func) in ("print_table", "show_table"):
                optional = node.args[3] if _name(node.func) == "print_table" and node.args[3:] else None
                texts = [] if optional is None else _texts(optional, module)
                yield f"{path.name}:{node.lineno}", _texts(node.args[0], module), texts


def _texts(node: ast.expr, module: object) -> list[str]:
    if isinstance(node, ast.Call):
        # The one table whose headings depend on what it shows: the metric by which it ranks, and the others
        # that some group has. Here all of them.
        assert _name(node.func) == "ranking_columns"
        places = [SimpleNamespace(beside=dict.fromkeys(BESIDE, 1.0))]
        return ranking_columns(cast(Ranking, SimpleNamespace(metric=LONGEST_METRIC, places=places)))
    return list(getattr(module, node.id) if isinstance(node, ast.Name) else ast.literal_eval(node))


def _name(function: ast.expr) -> str:
    return getattr(function, "attr", "") or getattr(function, "id", "")


TABLES = list(tables())


def test_the_columns_of_every_table_of_every_command_are_declared() -> None:
    commands = {where.partition(":")[0].removesuffix(".py") for where, _, _ in TABLES}
    assert commands >= {
        "lab_status",
        "faults",
        "lab_top",
        "scenarios",
        "suite",
        "compare",
        "verdicts",
        "doctor",
    }


@pytest.mark.parametrize(("where", "headings", "optional"), TABLES, ids=[one[0] for one in TABLES])
def test_no_word_of_a_heading_is_broken(where: str, headings: list[str], optional: list[str]) -> None:
    cells = ["x" * 29 + " y" * 40 for _ in headings]
    fitted = layout(headings, [cells], NARROW, optional)
    assert sum(fitted.widths) + GAP * (len(fitted.widths) - 1) <= NARROW, where
    for place, width in zip(fitted.places, fitted.widths, strict=True):
        assert max(map(len, headings[place].split()), default=0) <= width, (where, headings[place])


words = st.text("ab", min_size=1, max_size=12)
cell_texts = st.lists(words, max_size=12).map(" ".join)


@given(st.lists(words, min_size=1, max_size=5), st.data())
def test_a_table_is_as_wide_as_it_may_be_and_no_wider(headings: list[str], data: st.DataObject) -> None:
    row = st.tuples(*(cell_texts for _ in headings))
    rows = data.draw(st.lists(row, max_size=4))
    fitted = layout(headings, rows, NARROW)
    total = sum(fitted.widths) + GAP * (len(headings) - 1)
    natural = [
        max(map(len, (heading, *(one[place] for one in rows)))) for place, heading in enumerate(headings)
    ]
    assert total <= NARROW
    assert total == NARROW or all(wide >= most for wide, most in zip(fitted.widths, natural, strict=True))


def test_a_figure_keeps_its_unit_beside_it_and_a_sentence_is_what_is_broken() -> None:
    fitted = layout(["after", "because"], [["82.16 %", "word " * 40]], 40)
    assert list(fitted.widths) == [7, 31]


def test_optional_columns_are_left_out_only_where_there_is_no_room() -> None:
    headings, rows = ["metric", "p", "seen from"], [["m" * 28, "0.0001", "1.23 s"]]
    assert layout(headings, rows, 80, ["seen from"]).left_out == []
    narrow = layout(headings, rows, 40, ["seen from", "p"])
    assert (narrow.places, narrow.left_out) == ([0, 1], ["seen from"])
