"""The live table is above the progress line, on a terminal only."""

from __future__ import annotations

import pytest

from driver.terminal import ProgressView, Terminal

ROWS = [["PASSED", "herd", "61 s", "all passed"], ["running", "flood\x1b[2J", "", ""]]


def shown(capsys: pytest.CaptureFixture[str]) -> str:
    with Terminal() as terminal:
        terminal.show_table(
            ["outcome", "entry", "took", "because"], ROWS, ["good", ""], ProgressView("flood: 9 s")
        )
    return capsys.readouterr().err


def test_on_a_terminal_every_entry_is_above_the_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    text = shown(capsys)
    assert text.index("herd") < text.index("flood: 9 s")
    assert "all passed" in text
    assert "\\x1b[2J" in text


def test_where_no_terminal_is_a_line_says_what_runs_now_and_then(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    with Terminal() as terminal:
        for second in range(3):
            terminal.show_table(["outcome"], [["running"]], [""], ProgressView(f"flood: {second} s"))
    assert capsys.readouterr().err == "    0 s  flood: 0 s\n"
