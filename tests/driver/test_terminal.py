"""What is shown: readable without a terminal, and harmless whatever it holds."""

from __future__ import annotations

import json

import pytest

from driver.terminal import ProgressView, Terminal, print_json, print_labelled, print_lines, print_table
from driver.visible import visible


def test_control_characters_are_made_visible() -> None:
    assert visible("a\x1b[31mred\x07\u202eb") == "a\\x1b[31mred\\x07\\x202eb"


def test_line_ends_stay() -> None:
    assert visible("one\ntwo\tthree") == "one\ntwo\tthree"


def test_markup_of_others_is_shown_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    Terminal().info("[bold]not bold[/bold] :smile:")
    assert capsys.readouterr().err == "[bold]not bold[/bold] :smile:\n"


def test_a_failure_names_its_hint_on_a_line_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    Terminal().fail("It broke.", "Try again.")
    assert capsys.readouterr().err == "lab.py: It broke.\n        Try again.\n"


def test_a_board_shows_what_is_recorded_and_nothing_else() -> None:
    assert ProgressView("x").parts() == []
    full = ProgressView(
        "x", connected=2, clients=3, done=5, submitted=9, failed=1, faults=["cut on 3"], left_s=4.4
    )
    assert full.parts() == ["4 s left", "2/3 connected", "5/9 tasks done, 1 failed", "fault cut on 3"]


def test_without_a_terminal_only_news_makes_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    terminal = Terminal()
    for left_s in (9.0, 8.9, 8.8):
        terminal.show(ProgressView("running", left_s=left_s))
    terminal.show(ProgressView("running", left_s=8.7, faults=["cut on 3"]))
    lines = capsys.readouterr().err.splitlines()
    assert [line.partition("s  ")[2] for line in lines] == [
        "running, 9 s left",
        "running, 9 s left, fault cut on 3",
    ]


def test_a_piped_table_has_one_line_a_row(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(["name", "because"], [["a", "word " * 20], ["b\x1b", ""]])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert lines[2] == "b\\x1b"


def test_on_a_terminal_a_long_text_is_continued_beside_its_label(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "20")
    print_labelled([("done", "20 workers ran for 45 s"), ("report:", "results/a-name-longer-than-a-line")])
    assert capsys.readouterr().out.splitlines() == [
        "done    20 workers",
        "        ran for 45 s",
        "report:",
        "        results/a-name-longer-than-a-line",
    ]


def test_a_piped_text_is_one_line_with_its_label(capsys: pytest.CaptureFixture[str]) -> None:
    print_labelled([("done", "word " * 40 + "end"), ("INCONCLUSIVE:", "because")])
    assert capsys.readouterr().out == f"done    {'word ' * 40}end\nINCONCLUSIVE: because\n"


HOSTILE = "\x1b[2J\x9b31m\u202e\x07\ud800\u2028"


def test_what_is_printed_as_it_is_obeys_nothing_that_others_wrote(capsys: pytest.CaptureFixture[str]) -> None:
    print_lines([f"worker-1 said {HOSTILE}"])
    found = capsys.readouterr().out
    assert found == "worker-1 said \\x1b[2J\\x9b31m\\x202e\\x07\\xd800\\x2028\n"


def test_json_is_escaped_and_reads_back_as_the_same_text(capsys: pytest.CaptureFixture[str]) -> None:
    print_json(json.dumps({"name": HOSTILE}, ensure_ascii=False))
    found = capsys.readouterr().out
    assert not set(HOSTILE) & set(found) - set("[2J31m")
    assert json.loads(found) == {"name": HOSTILE}
