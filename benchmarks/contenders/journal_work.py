"""One kind of work on the journals of one run, in a process of its own, so that its time and memory are its
own: `python -m benchmarks.contenders.journal_work judging FOLDER` prints processor seconds and MiB.
"""

from __future__ import annotations

import json
import re
import sys
import time
from pathlib import Path


def parsing(folder: Path) -> None:
    """`json.loads` of every line, and keep nothing: the least that anything which reads them would do."""
    for journal in sorted((folder / "journals").rglob("*.jsonl")):
        for line in journal.open("rb"):
            json.loads(line)


def judging(folder: Path) -> None:
    """What `lab.py judge` does, but for the reports."""
    from driver.results.judged_run import judge_run

    judge_run(folder)


def reporting(folder: Path) -> None:
    """The same, and every report."""
    from driver.report.write import write_report

    write_report(folder)


def peak_mib() -> float:
    """Return the peak memory of this program. (getrusage includes that of the process which started it.)"""
    found = re.search(r"^VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text(), re.M)
    assert found is not None
    return int(found[1]) / 1024


WORK = {"parsing": parsing, "judging": judging, "reporting": reporting}


if __name__ == "__main__":
    WORK[sys.argv[1]](Path(sys.argv[2]))
    print(time.process_time(), peak_mib())
