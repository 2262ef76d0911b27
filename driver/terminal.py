"""The only importer of `rich`: what the lab shows while it works.

What it does goes to standard error, what was asked for to standard output. On a terminal one live line tells
how far it is; anywhere else plain lines do, a few a minute. Text from outside is made harmless here.
"""

from __future__ import annotations

import io
import logging
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import TracebackType

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from driver.columns import layout
from driver.paths import PROGRAM, as_called
from driver.visible import visible, visible_json

PLAIN_EVERY_S = 5.0
TABLE_EVERY_S = 30.0
PIPE_COLUMNS = 200


@dataclass
class ProgressView:
    """How far a command is. Numbers that are not known yet are None."""

    phase: str = ""
    connected: int | None = None
    workers: int = 0
    done: int | None = None
    submitted: int | None = None
    failed: int = 0
    faults: list[str] = field(default_factory=list)
    left_s: float | None = None

    def parts(self) -> list[str]:
        """What there is to tell, the most important first."""
        told = []
        if self.left_s is not None:
            told.append(f"{max(0.0, self.left_s):.0f} s left")
        if self.connected is not None:
            told.append(f"{self.connected}/{self.workers} connected")
        if self.done is not None:
            failed = f", {self.failed} failed" if self.failed else ""
            told.append(f"{self.done}/{self.submitted} tasks done{failed}")
        return told + [f"fault {name}" for name in self.faults]


class Terminal:
    """Where a command speaks. Used as a context, so that the live line is taken away at the end."""

    def __init__(self) -> None:
        self._errors = Console(stderr=True, highlight=False, markup=False, emoji=False)
        self._live: Live | None = None
        self._board = ProgressView()
        self._above: Table | None = None
        self._began = time.monotonic()
        self._plain_at = -TABLE_EVERY_S
        self._plain_key: tuple[object, ...] = ()

    def __enter__(self) -> Terminal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.clear()

    def info(self, line: str) -> None:
        """One line about what is being done."""
        self._errors.print(Text(visible(as_called(line))), soft_wrap=True)

    def warn(self, line: str) -> None:
        """One line that should not be missed."""
        self._errors.print(Text(visible(as_called(line)), style="yellow"), soft_wrap=True)

    def fail(self, sentence: str, hint: str = "") -> None:
        """Why the command could not do what was asked."""
        self.clear()
        text = Text(f"{PROGRAM}: ", style="bold red").append(visible(as_called(sentence)), style="")
        if hint:
            text.append(f"\n        {visible(as_called(hint))}", style="")
        self._errors.print(text, soft_wrap=True)

    def show(self, board: ProgressView) -> None:
        """Show how far it is."""
        if self._errors.is_terminal:
            self._show_live(board)
        else:
            self._show_plain(board)

    def show_table(
        self, columns: Sequence[str], rows: Sequence[Sequence[str]], marks: Sequence[str], board: ProgressView
    ) -> None:
        """How far it is, under a table of where all stands; a line now and then where no terminal is."""
        if self._errors.is_terminal:
            self._above, _ = _table(columns, rows, marks, self._errors.width)
            self._show_live(board)
        elif time.monotonic() - self._plain_at >= TABLE_EVERY_S:
            self._say_plainly(board)

    @property
    def height(self) -> int:
        """Rows of the terminal."""
        return self._errors.height

    def clear(self) -> None:
        """Take the live line away."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _show_live(self, board: ProgressView) -> None:
        self._board = board
        if self._live is None:
            # A thread of its own draws it, so that the seconds go on while a long step says nothing.
            self._live = Live(
                console=self._errors, get_renderable=self._picture, refresh_per_second=4, transient=True
            )
            self._live.start()

    def _picture(self) -> Group:
        return Group(self._line()) if self._above is None else Group(self._above, self._line())

    def _line(self) -> Text:
        line = Text(f"{time.monotonic() - self._began:4.0f} s  ", style="dim")
        line.append(visible(self._board.phase), style="bold cyan")
        for part in self._board.parts():
            line.append("  ").append(visible(part), style="red" if part.startswith("fault") else "")
        line.truncate(self._errors.width - 1, overflow="ellipsis")
        return line

    def _show_plain(self, board: ProgressView) -> None:
        now = time.monotonic()
        key = (board.phase, tuple(board.faults))
        if key == self._plain_key and now - self._plain_at < PLAIN_EVERY_S:
            return
        self._plain_key = key
        self._say_plainly(board)

    def _say_plainly(self, board: ProgressView) -> None:
        self._plain_at = time.monotonic()
        self.info(f"{self._plain_at - self._began:5.0f} s  {', '.join([board.phase, *board.parts()])}")


def print_lines(lines: Sequence[str]) -> None:
    """What was asked for, on standard output."""
    _print("".join(f"{visible(as_called(line))}\n" for line in lines))


def print_json(text: str) -> None:
    """JSON on standard output, for machines: as it is, but for escapes in its strings."""
    _print(f"{visible_json(text.rstrip())}\n")


def _print(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


def print_table(
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    marks: Sequence[str] = (),
    optional: Sequence[str] = (),
) -> None:
    """A table on standard output. `marks` colours a row: good, bad, warn or "". On a terminal that is too
    narrow, columns that are `optional` are left out, and named below.
    """
    console = Console(highlight=False, markup=False, emoji=False)
    if console.is_terminal:
        table, left_out = _table(columns, rows, marks, console.width, optional)
        console.print(table)
        if left_out:
            print_lines([f"(A wider terminal also shows: {', '.join(left_out)}.)"])
        return
    plain = Console(highlight=False, markup=False, emoji=False, width=PIPE_COLUMNS, file=io.StringIO())
    with plain.capture() as captured:
        plain.print(_table(columns, rows, marks, PIPE_COLUMNS)[0])
    print_lines([line.rstrip() for line in captured.get().splitlines()])


def _table(
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    marks: Sequence[str],
    width: int,
    optional: Sequence[str] = (),
) -> tuple[Table, Sequence[str]]:
    """The table within `width`, and the headings of the columns that it leaves out."""
    shown = [[visible(cell) for cell in row] for row in rows]
    fitted = layout(columns, shown, width, optional)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for place, columns_wide in zip(fitted.places, fitted.widths, strict=True):
        table.add_column(columns[place], overflow="fold", width=columns_wide)
    for index, row in enumerate(shown):
        cells = (Text(row[place]) for place in fitted.places)
        table.add_row(*cells, style=_STYLES[marks[index] if marks else ""])
    return table, fitted.left_out


_STYLES = {"": "", "good": "green", "bad": "red", "warn": "yellow"}


class TerminalLog(logging.Handler):
    """Sends log records to the terminal, so that they do not tear the live line."""

    def __init__(self, terminal: Terminal) -> None:
        super().__init__()
        self._terminal = terminal

    def emit(self, record: logging.LogRecord) -> None:
        self._terminal.info(f"{record.levelname.lower()} {record.name}: {record.getMessage()}")
