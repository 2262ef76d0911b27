"""Keeps the results of the large proofs in docs/proofs.md, each section written by the command that ran it.

`python -m tests.proofs run results/…` writes the section of a run of `million_tasks`, from its own folder.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "proofs.md"
HEAD = """\
# Proofs by large numbers

Nothing here is typed by hand: the command that a section names writes it, after a complete success. Each
section has its date and commit.
"""
SECTIONS = {
    "fuzz": ("A million hostile inputs against a live coordinator", "make fuzz"),
    "run": ("A million tasks through a thousand faults", "python -m tests.proofs run RUN"),
    "endurance": (
        "Fifty workers for an hour of virtual time",
        "python -m tests.simulation --workers 50 --hours 1 --write",
    ),
    "two_terminals": (
        "Two terminals at once on one lab",
        "make two-terminals PAIRS=20 SEED=1",
    ),
    "system_rounds": ("Fifty starts and removals of a system behind doors", "make system-rounds"),
    "example_faults": ("Every link fault on three example systems", "make prove-examples"),
    "examples": ("Each example as declared", "python -m tests.example_suite results/…-suite"),
    "anchors": ("A thousand repeats strike at the same byte", "make prove-anchors"),
    "receipts": ("Receipts held against packet captures", "make prove-receipts"),
    "claims": ("Claims judged twice", "make judge-claims"),
    "simulation": ("A million seeds under a virtual clock", "make simulate SEEDS=1000000"),
}
"""Their names, titles and commands, in the page's order."""
TASKS_MIN, FAULTS_MIN, KILLS_MIN = 1_000_000, 1_000, 100
UNEXPECTED = ("nothing_counted_twice", "no_zombie_effects", "no_process_died")
CLAIMS = ("nothing_lost", *UNEXPECTED)
FAULTS_PROVED = "faults_were_proved"
"""Unknown where a single fault of the thousand is not proved; the page then says so, and gives the number of
proved ones.
"""


def keep(section: str, text: str, of: str, page: Path = PAGE) -> None:
    """Replace one section of the page by `text` (Markdown), with today's date and the commit that it is `of`:
    what `commit` said when it began. Raises KeyError for a section that is not in SECTIONS.
    """
    SECTIONS[section]
    kept = read(page.read_text() if page.exists() else "")
    kept[section] = f"{datetime.now(UTC):%Y-%m-%d}, commit {of}.\n\n{text.strip()}"
    page.write_text(render(kept))


def read(page: str) -> dict[str, str]:
    """Section → its text, of a page as `render` wrote it."""
    return dict(re.findall(r"<!-- begin (\w+) -->\n(.*?)\n<!-- end -->", page, re.S))


def render(kept: dict[str, str]) -> str:
    """The page."""
    parts = [HEAD]
    for section, (title, command) in SECTIONS.items():
        if section in kept:
            parts.append(
                f"\n## {title}\n\n`{command}`\n\n<!-- begin {section} -->\n{kept[section]}\n<!-- end -->\n"
            )
    return "".join(parts)


def commit() -> str:
    """The commit of the working copy, and whether what ships or what proves it was changed since."""

    def git(*words: str) -> str:
        done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    changed = git("status", "--porcelain", "--", ".", ":!docs", ":!benchmarks")
    return git("rev-parse", "--short", "HEAD") + (" with changes" if changed else "")


def summarised(folder: Path) -> str:
    """Return the figures of a run of `million_tasks`, in Markdown. Raises NotProvedError where too few."""
    verdict = json.loads((folder / "verdict.json").read_bytes())
    metrics, findings = verdict["metrics"], {one["check"]: one for one in verdict["findings"]}
    receipts = [
        json.loads(line)
        for line in (folder / "journals" / "driver.jsonl").read_bytes().splitlines()
        if b'"event":"receipt"' in line
    ]
    proved = Counter(one["kind"] for one in receipts if one["proved"])
    at_the_coordinator = sum(one["kind"] == "kill" and "coordinator" in one["hit"] for one in receipts)
    wanting = [name for name in CLAIMS if findings.get(name, {}).get("status") != "passed"]
    is_open = verdict["verdict"] == "inconclusive" and all(
        finding["status"] == "passed" for name, finding in findings.items() if name != FAULTS_PROVED
    )
    if not (verdict["verdict"] == "passed" or is_open) or wanting:
        raise NotProvedError(f"the verdict is {verdict['verdict']}: {verdict['because']} {wanting or ''}")
    for name, least, found in (
        ("tasks", TASKS_MIN, metrics["tasks_completed"]),
        ("proved faults", FAULTS_MIN, proved.total()),
        ("kill -9", KILLS_MIN, proved["kill"]),
    ):
        if found < least:
            raise NotProvedError(f"{found:,} {name}; at least {least:,} are needed")
    span_s = metrics["tasks_completed"] / metrics["task_throughput_per_s"]
    rows = {
        "verdict": verdict["verdict"].upper() + (f": {verdict['because']}" if is_open else ""),
        "tasks submitted, completed": f"{metrics['tasks_submitted']:,}, {metrics['tasks_completed']:,}",
        "lost (`nothing_lost`)": metrics["tasks_lost"],
        "doubled (`nothing_counted_twice`)": metrics["tasks_duplicated"],
        "unexpected: surplus results (`nothing_counted_twice`), stale ones that counted "
        "(`no_zombie_effects`), processes that died by themselves (`no_process_died`)": round(
            sum(findings[name]["measured"] for name in UNEXPECTED)
        ),
        "faults begun, proved (`faults_were_proved`)": f"{len(receipts):,}, {proved.total():,}",
        "`kill -9`, each proved": f"{proved['kill']}, {at_the_coordinator} of them of the coordinator",
        "by kind": ", ".join(f"{count} {kind}" for kind, count in proved.most_common()),
        "connections lost, and back": f"{metrics['losses']:,}, {metrics['reconnections']:,}",
        "from the first task to the last result": f"{span_s / 60:.1f} minutes",
        "latency of a task, p50, p99": " s, ".join(
            f"{metrics[f'task_latency_{part}_s']:.3g}" for part in ("p50", "p99")
        )
        + " s",
        "coordinator's memory, at most": f"{metrics['memory_coordinator_max_bytes'] / (1 << 20):.0f} MiB",
    }
    lines = [f"| {name} | {value} |" for name, value in rows.items()]
    return "\n".join([f"Run `{verdict['run']}`.\n", "| of the run | |\n|---|---|", *lines])


class NotProvedError(Exception):
    """The run does not show what the page claims."""


def main() -> int:
    """0 when the run passed and its section is written, 1 when it does not show enough."""
    parser = argparse.ArgumentParser(prog="python -m tests.proofs", description=__doc__)
    parser.add_argument("what", choices=["run"])
    parser.add_argument("folder", type=Path, help="the run's folder in results/")
    folder = parser.parse_args().folder
    try:
        text = summarised(folder)
    except NotProvedError as error:
        print(error, file=sys.stderr)
        return 1
    print(text)
    versions = json.loads((folder / "run.json").read_bytes())["versions"]
    keep("run", text, versions["stormlab"].rpartition("checkout ")[2])
    return 0


if __name__ == "__main__":
    sys.exit(main())
