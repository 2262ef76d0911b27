"""The report of a reduction: what is left, how often it shows the finding, what was left out, every step."""

from __future__ import annotations

from pathlib import Path

from driver.errors import LabError
from driver.files import write_file
from driver.results.judged_run import judge_run
from driver.search.schedule import describe_fault
from driver.search.search_report import environment, storm_picture
from driver.search.shrink_run import Shrink, ShrunkRun, left_out
from driver.trial.picture import WIDE, StepPicture, drawing

HTML = "report.html"


def write_shrink_report(shrink: Shrink, result: ShrunkRun, again: str, folder: Path) -> Path:
    """Write report.html, one page that works offline; return its path. Raises LabError."""
    html = environment().get_template("shrink.html.j2").render(
        result=result,
        scenario=shrink.trials.loaded.name,
        left=[describe_fault(one) for one in result.left.faults],
        gone=left_out(result.whole, result.left),
        steps=[(one.outcome, one.kept, one.schedule.describe()) for one in shrink.steps],
        picture_of_it=_picture(shrink.trials.folder),
        again=again,
        drawing=drawing,
        wide=WIDE,
    )  # fmt: skip
    write_file(folder / HTML, html.encode())
    return folder / HTML


def _picture(runs: Path) -> StepPicture | None:
    """Return the picture of the last run, which is one of what is left."""
    newest = sorted(path for path in runs.glob("*Z-*") if path.is_dir())
    try:
        return storm_picture(judge_run(newest[-1])) if newest else None
    except LabError:
        return None
