"""Writes a run's reports beside its verdict."""

from __future__ import annotations

from pathlib import Path

from driver.files import write_file
from driver.report.html_page import render_html
from driver.report.junit import render_junit
from driver.report.markdown import render_markdown
from driver.results.judged_run import JudgedRun, judge_run

MARKDOWN, HTML, JUNIT = "report.md", "report.html", "junit.xml"


def write_report(folder: Path) -> Path:
    """Judge a stored run again and write its reports; the path of report.html."""
    return write_reports(judge_run(folder))


def write_reports(run: JudgedRun) -> Path:
    """Write the reports of a run that was just judged; the path of report.html."""
    write_file(run.folder / MARKDOWN, render_markdown(run).encode())
    write_file(run.folder / JUNIT, render_junit(run))
    write_file(run.folder / HTML, render_html(run).encode())
    return run.folder / HTML
