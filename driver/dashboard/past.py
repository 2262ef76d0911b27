"""The runs that are kept: a list, the trend of a figure, two of them compared."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from driver.errors import LabError
from driver.metrics.catalogue import METRICS
from driver.results.group_file import GROUP, GroupFile, read_group
from driver.results.run_folder import RUN, VERDICT, VerdictFile, read_verdict

LISTED = 300
KEY_FIGURES = (
    *("task_success_rate", "reconnections", "reconnection_time_p99_s", "task_latency_p99_s"),
    *("time_to_all_back_s", "storm_peak_attempts_per_s"),
)

Ended = VerdictFile | GroupFile


class Past:
    """The folder of all runs. What was read once is kept, as long as its verdict is the same file."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._read: dict[Path, tuple[float, Ended | None]] = {}

    def runs(self, scenario: str = "", verdict: str = "") -> list[dict[str, Any]]:
        """Those of a scenario and a verdict ("": any), newest first."""
        found = []
        for folder in self._folders():
            told = self._verdict(folder)
            if scenario and folder.name.partition("Z-")[2] != scenario:
                continue
            if verdict and (told is None or told.verdict != verdict):
                continue
            found.append(_row(folder, told))
            if len(found) == LISTED:
                break
        return found

    def trend(self, scenario: str, metric: str) -> dict[str, Any]:
        """A figure over the runs of a scenario, oldest first."""
        points = []
        for folder in reversed(self._folders()):
            told = self._verdict(folder)
            if not isinstance(told, VerdictFile) or told.scenario != scenario:
                continue
            value = told.metrics.get(metric)
            if isinstance(value, int | float):
                points.append({"run": folder.name, "wall_s": _wall_s(folder), "value": value})
        unit = METRICS[metric].unit.value if metric in METRICS else ""
        return {"points": points, "unit": unit}

    def compare(self, one: str, other: str) -> str:
        """Both, side by side, as markdown. Raises LabError."""
        # Only here: what compares runs takes a second to load.
        from driver.compare.build import report_on
        from driver.compare.markdown import as_markdown

        return as_markdown(report_on({name: [self.folder(name)] for name in (one, other)}, tolerance=0.0))

    def folder(self, name: str) -> Path:
        """A run's folder, and never another. Raises LabError."""
        folder = self._root / name
        if name in ("", ".", "..") or "/" in name or "\\" in name or not folder.is_dir():
            raise LabError(f"There is no run {name!r}.")
        return folder

    def _folders(self) -> list[Path]:
        """Runs and groups of them, newest first; a suite's summary is neither."""
        found = sorted(self._root.glob("*Z-*"), reverse=True) if self._root.is_dir() else []
        return [folder for folder in found if (folder / RUN).is_file() or (folder / GROUP).is_file()]

    def _verdict(self, folder: Path) -> Ended | None:
        is_group = (folder / GROUP).is_file()
        try:
            written = (folder / (GROUP if is_group else VERDICT)).stat().st_mtime
        except OSError:
            return None
        kept = self._read.get(folder)
        if kept is None or kept[0] != written:
            kept = self._read[folder] = (written, (read_group if is_group else read_verdict)(folder))
        return kept[1]


def _row(folder: Path, told: Ended | None) -> dict[str, Any]:
    name = folder.name
    report = next((one for one in ("report.html", "comparison.html") if (folder / one).is_file()), None)
    metrics = told.metrics if isinstance(told, VerdictFile) else {}
    return {
        "run": name,
        "scenario": told.scenario if told else name.partition("Z-")[2],
        "verdict": str(told.verdict) if told else "",
        "because": told.because if told else "it has no verdict",
        "wall_s": _wall_s(folder),
        "metrics": {key: metrics.get(key) for key in KEY_FIGURES},
        "report": f"/runs/{name}/{report}" if report else None,
    }


def _wall_s(folder: Path) -> float:
    try:
        return datetime.strptime(folder.name[:16], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
    except ValueError:
        return folder.stat().st_mtime
