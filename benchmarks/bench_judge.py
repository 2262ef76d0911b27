"""What judging and reporting a long run cost, and how that grows with its events.

Measured: processor seconds and memory of judging an hour of 200 workers, of judging and reporting it, and of
opening the report in headless Chromium. Against: `json.loads` of every line of the same journals (the least
that anything which reads them would do), judging a tenth of it, and opening an empty page. Fair, because each
is a process of its own over the same files, in turn; what must be reached is absolute, since a person waits.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import msgspec

from benchmarks.affinity import SECOND, starting_on
from benchmarks.pairs import Estimate, estimate, ratios
from benchmarks.row import Row, at_most

ROOT = Path(__file__).resolve().parent.parent
WORKERS, TASKS_PER_S = 200, 32.0
HOUR_S, QUICK_S, ROUNDS = 3600.0, 20.0, 3
TENTH = 0.1
MIB = 1 << 20
READY = "<!doctype html><html data-ready=yes><title>empty</title></html>"


class Cost(NamedTuple):
    """Of one piece of work: processor time, and the most memory that it had."""

    cpu_s: float
    memory_mib: float


class Round(NamedTuple):
    """All that is measured, once."""

    parsed: Cost
    judged_tenth: Cost
    judged: Cost
    reported: Cost
    empty_opened_s: float
    opened_s: float


def cost(work: str, folder: Path) -> Cost:
    """Return what one kind of work costs, in processor time. Raises RuntimeError when it fails."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.contenders.journal_work", work, str(folder)],
        cwd=ROOT, capture_output=True, text=True, timeout=600, check=False, preexec_fn=starting_on(SECOND),
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"{work} ended {done.returncode}:\n{done.stderr}")
    cpu_s, memory_mib = map(float, done.stdout.split())
    return Cost(cpu_s, memory_mib)


def opening_s(page: Path) -> float:
    """Seconds until headless Chromium has opened a page and drawn it."""
    from playwright.sync_api import sync_playwright

    from driver.machine.browser import find_browser

    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=find_browser(), args=["--no-sandbox"])
        opened = browser.new_page()
        began = time.monotonic()
        opened.goto(page.as_uri())
        opened.wait_for_selector("html[data-ready=yes]")
        took = time.monotonic() - began
        browser.close()
    return took


def one_round(whole: Path, tenth: Path, empty: Path) -> Round:
    """Every contender once."""
    return Round(
        cost("parsing", whole), cost("judging", tenth), cost("judging", whole), cost("reporting", whole),
        opening_s(empty), opening_s(whole / "report.html"),
    )  # fmt: skip


def rows(*, quick: bool) -> list[Row]:
    """Six rows over one history, as long as `quick` allows."""
    from tests.driver.judge.big_history import write_big

    for_s, count = (QUICK_S, 1) if quick else (HOUR_S, ROUNDS)
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        whole, tenth, empty = root / "whole", root / "tenth", root / "empty.html"
        few = write_big(tenth, WORKERS, for_s * TENTH, TASKS_PER_S)
        many = write_big(whole, WORKERS, for_s, TASKS_PER_S)
        empty.write_text(READY)
        rounds = [one_round(whole, tenth, empty) for _ in range(count)]
        page_mib = (whole / "report.html").stat().st_size / MIB
        journals_mib = sum(path.stat().st_size for path in (whole / "journals").rglob("*.jsonl")) / MIB
    found = table(rounds, few, many, page_mib, journals_mib)
    # A short history, scaled to a million events, is all fixed costs: it meets or misses nothing.
    return [msgspec.structs.replace(one, must=None) for one in found] if quick else found


def table(rounds: list[Round], few: int, many: int, page_mib: float, journals_mib: float) -> list[Row]:
    """The rows of what was measured over `many` events, and over `few` of them."""
    million = 1e6 / many

    def row(
        measure: str, baseline: str, unit: str, ours: list[float], theirs: list[float], most: float
    ) -> Row:
        return Row(
            measure=measure, baseline=baseline, unit=unit, ours=estimate(ours), theirs=estimate(theirs),
            figure=estimate(ours), figure_unit=unit, cores=f"all on {SECOND}, the browser on any",
            rounds=len(ours), must=at_most(most), remark=f"{many:,} events of {WORKERS} workers",
        )  # fmt: skip

    growth = row(
        "ten times the events, judging", "a tenth of them", "s", [one.judged.cpu_s for one in rounds],
        [one.judged_tenth.cpu_s for one in rounds], 11,
    )  # fmt: skip
    times = ratios(
        [one.judged.cpu_s / many for one in rounds], [one.judged_tenth.cpu_s / few for one in rounds]
    )
    return [
        row("a million events read and judged", "json.loads of every line", "s",
            [one.judged.cpu_s * million for one in rounds],
            [one.parsed.cpu_s * million for one in rounds], 10),
        row("the memory of that", "json.loads of every line", "MiB",
            [one.judged.memory_mib * million for one in rounds],
            [one.parsed.memory_mib * million for one in rounds], 1024),
        msgspec.structs.replace(growth, figure=scaled(times, 10), figure_unit="×"),
        row("judged and reported", "judged alone", "s", [one.reported.cpu_s for one in rounds],
            [one.judged.cpu_s for one in rounds], 20),
        row("report.html", "its journals", "MiB", [page_mib], [journals_mib], 10),
        row("report.html opened in headless Chromium", "an empty page", "s",
            [one.opened_s for one in rounds], [one.empty_opened_s for one in rounds], 3),
    ]  # fmt: skip


def scaled(found: Estimate, by: float) -> Estimate:
    """An estimate in another unit."""
    return Estimate(found.median * by, found.low * by, found.high * by)
