"""The figures that are kept (figures.json), and the page that is made of them (README.md)."""

from __future__ import annotations

from pathlib import Path

import msgspec

from benchmarks.catalogue import BENCHES, LAB_BENCHES
from benchmarks.machine import Origin
from benchmarks.pairs import Estimate
from benchmarks.row import Row

HERE = Path(__file__).resolve().parent
FIGURES, PAGE = HERE / "figures.json", HERE / "README.md"
COLUMNS = ("measure", "ours", "baseline", "theirs", "figure", "must", "aim", "", "cores", "rounds")

HEAD = """# Benchmarks: what we claim about speed

Each row has its baseline beside it, measured in the same run, the contenders in turn (A B A B …) on pinned
processes: medians with a 95 % interval (percentile bootstrap). Where a row is a worst, a count or one run,
its name or its note says so. Must and aim apply to the median in column *figure*.

`make bench` measures all that needs no lab, and `python -m benchmarks --keep lab` the rest; both write this
page from figures.json. `make bench ONLY=storm` measures one benchmark and only prints it. Each benchmark has
the date and commit of its own last full run. Nothing here is typed by hand. Each script says in its first
lines what it measures, against what, and why that is fair. How exact the faults are is another page:
[faults.md](faults.md).
"""


class Measured(msgspec.Struct, frozen=True):
    """The rows of one benchmark, and where they are from."""

    origin: Origin
    took_s: float
    rows: list[Row]


def kept() -> dict[str, Measured]:
    """Return what figures.json has, by the benchmark's name."""
    return msgspec.json.decode(FIGURES.read_bytes(), type=dict[str, Measured]) if FIGURES.exists() else {}


def keep(measured: dict[str, Measured]) -> None:
    """Replace older figures by new ones, and write the page."""
    found = kept() | measured
    ordered = {name: found[name] for name in (*BENCHES, *LAB_BENCHES) if name in found}
    FIGURES.write_bytes(msgspec.json.format(msgspec.json.encode(ordered), indent=1) + b"\n")
    PAGE.write_text(page(ordered))


def page(measured: dict[str, Measured]) -> str:
    """Return the page as Markdown."""
    parts = [HEAD, summary(measured)]
    for name, found in measured.items():
        parts.append(f"## {name}\n\n{table(found.rows)}")
        parts.append(remarks(found.rows))
        origin = found.origin
        parts.append(f"{origin.date} UTC, commit {origin.commit}, {found.took_s:.0f} s. {origin.machine}.\n")
    return "\n".join(part for part in parts if part)


def summary(measured: dict[str, Measured]) -> str:
    """Return how many musts are met, and which are not."""
    asked = [(name, row) for name, found in measured.items() for row in found.rows if row.must]
    missed = [
        f"- [{name}](#{name}): {row.measure}, against {row.baseline}: "
        f"{_with_unit(row.figure, row.figure_unit)}, must be {row.must}"
        for name, row in asked
        if not row.is_met
    ]
    counts = (
        f"{len(asked) - len(missed)} of {len(asked)} musts are met{', all but these:' if missed else '.'}\n"
    )
    return "\n".join([counts, *missed]) + "\n" * bool(missed)


def remarks(rows: list[Row]) -> str:
    """Return the remarks on the rows; rows with the same remark share it."""
    by_remark: dict[str, list[Row]] = {}
    for row in rows:
        if row.remark:
            by_remark.setdefault(row.remark, []).append(row)
    found = []
    for remark, alike in by_remark.items():
        found.append(f"- {'all' if len(alike) == len(rows) > 1 else _names(alike, rows)}: {remark}\n")
    return "".join(found)


def _names(alike: list[Row], rows: list[Row]) -> str:
    """Return what distinguishes those rows: their measures, and the baselines where these are not enough."""
    names = []
    for measure in dict.fromkeys(row.measure for row in alike):
        against = [row.baseline for row in alike if row.measure == measure]
        is_all = len(against) == sum(row.measure == measure for row in rows)
        names.append(measure if is_all else f"{measure}, against {'; '.join(against)}")
    return "; ".join(names)


def table(rows: list[Row]) -> str:
    """Return the rows as a Markdown table."""
    lines = [COLUMNS, ("---",) * len(COLUMNS), *(_cells(row) for row in rows)]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def lines(rows: list[Row]) -> str:
    """Return the rows for a terminal of 80 columns, four lines each."""
    text = []
    for row in rows:
        measure, ours, baseline, theirs, figure, must, aim, verdict, cores, rounds = _cells(row)
        text.append(
            f"  {measure}\n    ours    {ours}\n    theirs  {theirs}   {baseline}\n"
            f"    figure  {figure}   must {must}, aim {aim}: {verdict.upper()}   ({rounds} rounds; {cores})\n"
        )
    return "".join(text)


def _cells(row: Row) -> tuple[str, ...]:
    return (
        row.measure, _with_unit(row.ours, row.unit), row.baseline, _with_unit(row.theirs, row.unit),
        _with_unit(row.figure, row.figure_unit), str(row.must or "–"), str(row.aim or "–"), row.verdict,
        row.cores, str(row.rounds),
    )  # fmt: skip


def _with_unit(estimate: Estimate, unit: str) -> str:
    return f"{written(estimate)} {unit}".strip()


def written(estimate: Estimate) -> str:
    """Return a median with its interval, in three or four digits."""
    if estimate.low == estimate.high:
        return _number(estimate.median)
    return f"{_number(estimate.median)} ({_number(estimate.low)} … {_number(estimate.high)})"


def _number(value: float) -> str:
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 100 else f"{value:.3g}"
