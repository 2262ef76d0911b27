"""Writes a run's reports beside its verdict."""

from __future__ import annotations

from pathlib import Path

from driver.report.markdown import render_markdown
from driver.store import Judged, judged, write_file

MARKDOWN = "report.md"


def write_report(folder: Path) -> Path:
    """Judge a stored run again and write its reports; the path of report.md."""
    return write_reports(judged(folder))


def write_reports(run: Judged) -> Path:
    """Write the reports of a run that was just judged; the path of report.md."""
    path = run.folder / MARKDOWN
    write_file(path, render_markdown(run).encode())
    return path
