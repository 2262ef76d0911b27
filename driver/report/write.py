"""Writes the reports of a run into its folder."""

from __future__ import annotations

from pathlib import Path

from driver.files import write_file
from driver.report.html_page import render_html
from driver.report.junit import render_junit
from driver.report.markdown import render_markdown
from driver.results.judged_run import JudgedRun, judge_run

MARKDOWN, HTML, JUNIT = "report.md", "report.html", "junit.xml"


def write_report(folder: Path) -> Path:
    """Judge a stored run, write its reports, and return the path of report.html. Raises as judge_run."""
    return write_reports(judge_run(folder))


def write_reports(run: JudgedRun) -> Path:
    """Write the reports of a judged run, and return the path of report.html. Raises LabError."""
    write_file(run.folder / MARKDOWN, render_markdown(run).encode())
    write_file(run.folder / JUNIT, render_junit(run))
    write_file(run.folder / HTML, render_html(run).encode())
    return run.folder / HTML
