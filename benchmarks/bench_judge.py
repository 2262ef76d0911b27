"""What judging and reporting a long run cost: CPU seconds, memory, and how both grow with the events.

The baseline of the same run is `json.loads` of every line of the same journals: the least that anything
which reads
them without help would do. Every measurement is a process of its own, so that its memory is its own.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

ROOT = Path(__file__).resolve().parent.parent
WORKERS, TASKS_PER_S = 200, 32.0
MOST_SECONDS, MOST_MIB, MOST_GROWTH = 10.0, 1024.0, 11.0
MOST_REPORT_SECONDS, MOST_REPORT_MIB, MOST_OPEN_SECONDS = 20.0, 10.0, 3.0


def baseline(folder: Path) -> None:
    """Parse every line, and keep nothing."""
    for journal in sorted((folder / "journals").glob("*.jsonl")):
        for line in journal.open("rb"):
            json.loads(line)


def judging(folder: Path) -> None:
    """What `lab.py judge` does, but for the reports."""
    from driver.runs.store import judged

    judged(folder)


def reporting(folder: Path) -> None:
    """The same, and every report."""
    from driver.report import write_report

    write_report(folder)


WORK = {"baseline": baseline, "judging": judging, "reporting": reporting}


def measured(what: str, folder: Path) -> tuple[float, float]:
    """CPU seconds (whoever else is busy) and MiB of one kind of work, in a process of its own."""
    command = (sys.executable, __file__, "--only", what, "--folder", str(folder))
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600, check=False)
    if done.returncode:
        sys.exit(f"{what} ended {done.returncode}:\n{done.stderr}")
    seconds, mib = done.stdout.split()
    return float(seconds), float(mib)


def opening_s(page: Path) -> float:
    """Seconds until headless Chromium has opened a report and drawn it."""
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


def row(what: str, found: float, unit: str, most: float | None) -> tuple[str, str, str, bool]:
    """What was measured, how much, what it must reach, and whether it did."""
    reach = "" if most is None else f"≤ {most:g} {unit}"
    return what, f"{found:.3g} {unit}", reach, most is None or found <= most


def main() -> None:
    """Write two runs, one ten times as long as the other, and print what each costs."""
    from tests.driver.judge.big_history import write_big

    with tempfile.TemporaryDirectory() as root:
        short, long = Path(root) / "short", Path(root) / "long"
        few = write_big(short, WORKERS, 360.0, TASKS_PER_S)
        many = write_big(long, WORKERS, 3600.0, TASKS_PER_S)
        print(f"{many:,} events of {WORKERS} workers in an hour, and {few:,} in six minutes")
        least_s, _ = measured("baseline", long)
        short_s, _ = measured("judging", short)
        long_s, long_mib = measured("judging", long)
        report_s, _ = measured("reporting", long)
        page = long / "report.html"
        growth = (long_s / short_s) / (many / few)
        page_mib, open_s = page.stat().st_size / 2**20, opening_s(page)
    million = 1e6 / many
    rows = [
        row("read and judged, a million events", long_s * million, "s", MOST_SECONDS),
        row("  its memory", long_mib * million, "MiB", MOST_MIB),
        row("  beside json.loads alone", long_s / least_s, "×", None),
        row("ten times the events, the time", growth * 10, "×", MOST_GROWTH),
        row("judged and reported, the hour", report_s, "s", MOST_REPORT_SECONDS),
        row("report.html", page_mib, "MiB", MOST_REPORT_MIB),
        row("opened in headless Chromium", open_s, "s", MOST_OPEN_SECONDS),
    ]
    for what, found, reach, good in rows:
        print(f"{what:34} {found:>10}   {reach:>10}   {'' if good else 'MISSED'}")
    sys.exit(0 if all(good for *_, good in rows) else 1)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=WORK)
    parser.add_argument("--folder", type=Path)
    arguments = parser.parse_args()
    if arguments.only:
        WORK[arguments.only](arguments.folder)
        used = resource.getrusage(resource.RUSAGE_SELF)
        print(used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)
    else:
        main()
