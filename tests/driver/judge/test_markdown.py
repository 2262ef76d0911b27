"""report.md: its contents, and that no text of a run becomes markup in it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some
from markdown_it import MarkdownIt

from driver.report.text import code, escape_markdown, printable
from driver.report.write import MARKDOWN, write_report
from tests.driver.judge.histories import Past, healthy_herd

HOSTILE = (
    "<script>alert(1)</script> | ![x](http://e.vil/x.png) **bold** `tick` [a](b) @all \x1b[31m\u202e# head"
)
GITHUB = MarkdownIt("gfm-like", {"linkify": False, "html": True})


def report(past: Past, tmp_path: Path, **record: object) -> str:
    folder = past.write(tmp_path / "20261124T021500Z-herd", ["task_success_rate >= 90%"], **record)
    write_report(folder)
    return (folder / MARKDOWN).read_text()


def test_the_verdict_and_its_reason_come_first(tmp_path: Path) -> None:
    lines = report(healthy_herd(), tmp_path).splitlines()
    assert lines[0] == "# ✅ PASSED: herd"
    assert lines[2].startswith("**all ")


def test_it_has_findings_faults_figures_workers_and_how_to_run_it_again(tmp_path: Path) -> None:
    text = report(healthy_herd(), tmp_path, versions={"docker": "26.1.5"})
    words = [
        "| ✅ | `nothing_lost` |",
        "✅ 3 hit, 0 spared",
        "| `reconnections` | 6 |",
        "| `worker-3` |",
        "| 12 s | 5 s |",
    ]
    for word in [*words, "lab.py replay 20261124T021500Z-herd", "`26.1.5`"]:
        assert word in text


def test_a_worker_is_reported_with_its_share_of_the_time_and_its_longest_way_back(tmp_path: Path) -> None:
    past = Past(1)
    past.begin()
    past.cut("one", 10, 2, back_s=2)
    past.cut("two", 30, 2, back_s=0.5)
    past.end(60.5)
    row = next(line for line in report(past, tmp_path).splitlines() if line.startswith("| `worker-1`"))
    assert row == "| `worker-1` | 88.4 % | 2 | 5 | 4 s | 1 |"


def test_a_failed_finding_shows_its_lines(tmp_path: Path) -> None:
    past = healthy_herd()
    past.submit("gone", 30)
    text = report(past, tmp_path)
    assert text.startswith("# ❌ FAILED")
    assert "task=gone" in text
    assert "`coordinator.jsonl:" in text


def test_a_run_that_reconnects_in_vain_gets_advice_with_its_figures(tmp_path: Path) -> None:
    past = healthy_herd(workers=2, rounds=1)
    for number in range(130):
        past.fail_to_connect("worker-1", 12.5 + number * 0.025, attempt=number + 2)
    assert "Raise the reconnection policy's base or cap" in report(past, tmp_path)


def test_a_healthy_run_gets_no_advice(tmp_path: Path) -> None:
    assert "What to change" not in report(healthy_herd(), tmp_path)


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    past = healthy_herd()
    del past.lines["worker-2"]
    assert "## What is missing from the history" in report(past, tmp_path)


def test_names_and_outputs_with_markup_in_them_stay_text(tmp_path: Path) -> None:
    past = healthy_herd(workers=1, rounds=1)
    past.workers.append(HOSTILE)
    past.submit(HOSTILE, 20)
    past.finish(HOSTILE, "worker-1", past.assign(HOSTILE, "worker-1", 20.1), 20.2, outcome="failed")
    past.fault(HOSTILE, HOSTILE, [HOSTILE], 21, 1, proved=False)
    html = GITHUB.render(report(past, tmp_path, scenario=HOSTILE, claim=HOSTILE, settings={HOSTILE: HOSTILE}))
    assert "<script" not in html
    assert "<img" not in html
    assert "<a " not in html
    assert "\x1b" not in html
    assert "\u202e" not in html
    assert html.count("<h1>") == 1


def test_every_table_keeps_its_columns_whatever_is_in_it(tmp_path: Path) -> None:
    past = healthy_herd(workers=1, rounds=1)
    past.fault("a|b", "c|d", ["worker-1"], 21, 1, proved=False)
    html = GITHUB.render(report(past, tmp_path))
    row = next(row for row in html.split("<tr>") if "<code>a|b</code>" in row)
    assert row.count("<td>") == 9


@given(some.text(max_size=80))
def test_escaped_text_renders_as_itself_and_nothing_else(text: str) -> None:
    html = GITHUB.renderInline(f"x{escape_markdown(text)}x")
    assert "<" not in html.replace("&lt;", "")


@pytest.mark.parametrize(
    "block", ["# head", "> quote", "- item", "+ item", "1. item", "2) item", "=== line", "--- line"]
)
def test_text_at_the_begin_of_a_line_begins_no_block(block: str) -> None:
    assert GITHUB.render(escape_markdown(block)) == f"<p>{block.replace('>', '&gt;')}</p>\n"


def test_a_name_with_underscores_stays_readable() -> None:
    assert escape_markdown("nothing_lost") == "nothing_lost"
    assert escape_markdown("_so_") == "\\_so\\_"
    assert escape_markdown("88.4 %") == "88.4 %"


@given(some.text(max_size=80))
def test_code_is_one_span_of_one_line(text: str) -> None:
    html = GITHUB.renderInline(code(text))
    assert html.startswith("<code>")
    assert html.endswith("</code>")
    assert html.count("<") == 2


@given(some.text())
def test_printable_text_has_no_control_characters(text: str) -> None:
    assert printable(printable(text)) == printable(text)
    assert all(character.isprintable() or character == "\ufffd" for character in printable(text))
