"""Output on the terminal; the only importer of `rich`.

Progress goes to standard error, a command's result to standard output. A terminal shows progress as one live
line, anything else gets plain lines, a few a minute. Text from outside is escaped here.
"""

from __future__ import annotations

import io
import sys
import textwrap
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import TracebackType

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from driver.columns import cut, layout
from driver.paths import PROGRAM, as_called
from driver.visible import visible, visible_json

PLAIN_EVERY_S = 5.0
TABLE_EVERY_S = 30.0
PIPE_COLUMNS = 200
LABEL_COLUMNS = 8


@dataclass
class ProgressView:
    """A command's progress. Numbers that are not known yet are None."""

    phase: str = ""
    connected: int | None = None
    clients: int = 0
    done: int | None = None
    submitted: int | None = None
    failed: int = 0
    faults: list[str] = field(default_factory=list)
    left_s: float | None = None

    def parts(self) -> list[str]:
        """Return what is known, the most important first."""
        parts = []
        if self.left_s is not None:
            parts.append(f"{max(0.0, self.left_s):.0f} s left")
        if self.connected is not None:
            parts.append(f"{self.connected}/{self.clients} connected")
        if self.done is not None:
            failed = f", {self.failed} failed" if self.failed else ""
            parts.append(f"{self.done}/{self.submitted} tasks done{failed}")
        return parts + [f"fault {name}" for name in self.faults]


@dataclass(frozen=True)
class TerminalTable:
    """A table: its headings, its rows, and the mark of each row (good, bad, warn or "")."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    marks: Sequence[str]


class Terminal:
    """The output of one command. As a context manager it removes the live line at the end."""

    def __init__(self) -> None:
        self._errors = Console(stderr=True, highlight=False, markup=False, emoji=False)
        self._live: Live | None = None
        self._progress = ProgressView()
        self._above: Sequence[Table] = ()
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
        """Print one line about the work."""
        self._errors.print(Text(visible(as_called(line))), soft_wrap=True)

    def warn(self, line: str) -> None:
        """Print one line as a warning."""
        self._errors.print(Text(visible(as_called(line)), style="yellow"), soft_wrap=True)

    def fail(self, sentence: str, hint: str = "") -> None:
        """Print why the command failed, and its hint."""
        self.clear()
        text = Text(f"{PROGRAM}: ", style="bold red").append(visible(as_called(sentence)), style="")
        if hint:
            text.append(f"\n        {visible(as_called(hint))}", style="")
        self._errors.print(text, soft_wrap=True)

    def show(self, progress: ProgressView) -> None:
        """Show the progress."""
        if self._errors.is_terminal:
            self._show_live(progress)
        else:
            self._show_plain(progress)

    def show_table(
        self,
        columns: Sequence[str],
        rows: Sequence[Sequence[str]],
        marks: Sequence[str],
        progress: ProgressView,
    ) -> None:
        """Show a table above the progress; without a terminal only a line each TABLE_EVERY_S."""
        self.show_tables([TerminalTable(columns, rows, marks)], progress)

    def show_tables(self, tables: Sequence[TerminalTable], progress: ProgressView) -> None:
        """Show tables above the progress; without a terminal only a line each TABLE_EVERY_S."""
        if self._errors.is_terminal:
            width = self._errors.width
            self._above = [_table(one.columns, one.rows, one.marks, width)[0] for one in tables]
            self._show_live(progress)
        elif time.monotonic() - self._plain_at >= TABLE_EVERY_S:
            self._print_plain(progress)

    @property
    def height(self) -> int:
        """The number of the terminal's rows."""
        return self._errors.height

    def clear(self) -> None:
        """Remove the live line."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _show_live(self, progress: ProgressView) -> None:
        self._progress = progress
        if self._live is None:
            # A thread draws it, so that the seconds go on during a long step.
            self._live = Live(
                console=self._errors, get_renderable=self._renderable, refresh_per_second=4, transient=True
            )
            self._live.start()

    def _renderable(self) -> Group:
        return Group(*self._above, self._line())

    def _line(self) -> Text:
        line = Text(f"{time.monotonic() - self._began:4.0f} s  ", style="dim")
        line.append(visible(self._progress.phase), style="bold cyan")
        for part in self._progress.parts():
            line.append("  ").append(visible(part), style="red" if part.startswith("fault") else "")
        line.truncate(self._errors.width - 1, overflow="ellipsis")
        return line

    def _show_plain(self, progress: ProgressView) -> None:
        now = time.monotonic()
        key = (progress.phase, tuple(progress.faults))
        if key == self._plain_key and now - self._plain_at < PLAIN_EVERY_S:
            return
        self._plain_key = key
        self._print_plain(progress)

    def _print_plain(self, progress: ProgressView) -> None:
        self._plain_at = time.monotonic()
        self.info(f"{self._plain_at - self._began:5.0f} s  {', '.join([progress.phase, *progress.parts()])}")


def print_lines(lines: Sequence[str]) -> None:
    """Print lines on standard output."""
    _print("".join(f"{visible(as_called(line))}\n" for line in lines))


def print_labelled(lines: Sequence[tuple[str, str]]) -> None:
    """Print a label and a text on each line of standard output.

    On a terminal a text that is too long is continued below itself, LABEL_COLUMNS from the left.
    """
    console = Console(highlight=False, markup=False, emoji=False)
    width = console.width if console.is_terminal else None
    print_lines([row for label, text in lines for row in _labelled(label, as_called(text), width)])


def _labelled(label: str, text: str, width: int | None) -> list[str]:
    start = f"{label} ".ljust(LABEL_COLUMNS)
    if width is None:
        return [f"{start}{text}"]
    return textwrap.wrap(
        f"{start}{visible(text)}",
        width,
        subsequent_indent=" " * LABEL_COLUMNS,
        drop_whitespace=True,
        break_on_hyphens=False,
        break_long_words=False,
    )


def print_json(text: str) -> None:
    """Print JSON on standard output; control characters in its strings are escaped."""
    _print(f"{visible_json(text.rstrip())}\n")


def _print(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


def print_table(
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    marks: Sequence[str] = (),
    optional: Sequence[str] = (),
    *,
    cut_last: bool = False,
) -> None:
    """Print a table on standard output. `marks` colours each row: good, bad, warn or "".

    A narrow terminal leaves `optional` columns out, and names them below. `cut_last` cuts the last column,
    so that each row is one line; otherwise long cells are wrapped.
    """
    console = Console(highlight=False, markup=False, emoji=False)
    if console.is_terminal:
        table, left_out = _table(columns, rows, marks, console.width, optional, cut_last)
        console.print(table)
        if left_out:
            print_lines([f"(A wider terminal also shows: {', '.join(left_out)}.)"])
        return
    plain = Console(highlight=False, markup=False, emoji=False, width=PIPE_COLUMNS, file=io.StringIO())
    with plain.capture() as captured:
        plain.print(_table(columns, rows, marks, PIPE_COLUMNS, (), cut_last)[0])
    print_lines([line.rstrip() for line in captured.get().splitlines()])


def _table(
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    marks: Sequence[str],
    width: int,
    optional: Sequence[str] = (),
    cut_last: bool = False,
) -> tuple[Table, Sequence[str]]:
    """Return the table within `width`, and the headings of the columns that it leaves out."""
    shown = [[visible(cell) for cell in row] for row in rows]
    fitted = layout(columns, shown, width, optional)
    if cut_last:
        shown = [[*row[:-1], cut(row[-1], fitted.widths[-1])] for row in shown]
    table = Table(box=None, pad_edge=False, header_style="bold")
    for place, columns_wide in zip(fitted.places, fitted.widths, strict=True):
        table.add_column(columns[place], overflow="fold", width=columns_wide)
    for index, row in enumerate(shown):
        cells = (Text(row[place]) for place in fitted.places)
        table.add_row(*cells, style=_STYLES[marks[index] if marks else ""])
    return table, fitted.left_out


_STYLES = {"": "", "good": "green", "bad": "red", "warn": "yellow"}
