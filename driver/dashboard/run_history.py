"""The stored runs: a list, the trend of a metric, a comparison of two."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from driver.errors import LabError
from driver.metrics.catalogue import METRICS
from driver.results.group_file import GROUP, StoredVerdict, read_group
from driver.results.run_folder import RUN, VERDICT, VerdictFile, read_verdict

MAX_LISTED = 300
KEY_FIGURES = (
    *("task_success_rate", "reconnections", "reconnection_time_p99_s", "task_latency_p99_s"),
    *("time_to_all_back_s", "storm_peak_attempts_per_s"),
)


class RunHistory:
    """The folder of all runs. A verdict is read again only when its file has changed."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._read: dict[Path, tuple[float, StoredVerdict | None]] = {}

    def runs(self, scenario: str = "", verdict: str = "") -> list[dict[str, Any]]:
        """Return the runs of a scenario and a verdict ("": any), newest first, at most MAX_LISTED."""
        found = []
        for folder in self._folders():
            verdict_file = self._verdict(folder)
            if scenario and folder.name.partition("Z-")[2] != scenario:
                continue
            if verdict and (verdict_file is None or verdict_file.verdict != verdict):
                continue
            found.append(_row(folder, verdict_file))
            if len(found) == MAX_LISTED:
                break
        return found

    def trend(self, scenario: str, metric: str) -> dict[str, Any]:
        """Return a metric over the runs of a scenario, oldest first, with its unit."""
        points = []
        for folder in reversed(self._folders()):
            ended = self._verdict(folder)
            if not isinstance(ended, VerdictFile) or ended.scenario != scenario:
                continue
            value = ended.metrics.get(metric)
            if isinstance(value, int | float):
                points.append({"run": folder.name, "wall_s": _wall_s(folder), "value": value})
        unit = METRICS[metric].unit.value if metric in METRICS else ""
        return {"points": points, "unit": unit}

    def compare(self, one: str, other: str) -> str:
        """Return the comparison of two runs as Markdown. Raises LabError."""
        # Imported here: the comparison takes a second to load.
        from driver.compare.build import report_on
        from driver.compare.markdown import as_markdown

        return as_markdown(report_on({name: [self.folder(name)] for name in (one, other)}, tolerance=0.0))

    def folder(self, name: str) -> Path:
        """Return a run's folder. Raises LabError for any name that is not a folder directly in the root."""
        folder = self._root / name
        if name in ("", ".", "..") or "/" in name or "\\" in name or not folder.is_dir():
            raise LabError(f"There is no run {name!r}.")
        return folder

    def _folders(self) -> list[Path]:
        """Return the folders of runs and groups, newest first; a suite's folder is neither."""
        found = sorted(self._root.glob("*Z-*"), reverse=True) if self._root.is_dir() else []
        return [folder for folder in found if (folder / RUN).is_file() or (folder / GROUP).is_file()]

    def _verdict(self, folder: Path) -> StoredVerdict | None:
        is_group = (folder / GROUP).is_file()
        try:
            written = (folder / (GROUP if is_group else VERDICT)).stat().st_mtime
        except OSError:
            return None
        kept = self._read.get(folder)
        if kept is None or kept[0] != written:
            kept = self._read[folder] = (written, (read_group if is_group else read_verdict)(folder))
        return kept[1]


def _row(folder: Path, ended: StoredVerdict | None) -> dict[str, Any]:
    name = folder.name
    report = next((one for one in ("report.html", "comparison.html") if (folder / one).is_file()), None)
    metrics = ended.metrics if isinstance(ended, VerdictFile) else {}
    return {
        "run": name,
        "scenario": ended.scenario if ended else name.partition("Z-")[2],
        "verdict": str(ended.verdict) if ended else "",
        "because": ended.because if ended else "it has no verdict",
        "wall_s": _wall_s(folder),
        "metrics": {key: metrics.get(key) for key in KEY_FIGURES},
        "report": f"/runs/{name}/{report}" if report else None,
    }


def _wall_s(folder: Path) -> float:
    try:
        return datetime.strptime(folder.name[:16], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
    except ValueError:
        return folder.stat().st_mtime
