"""Reads folders of runs into groups, and refuses what cannot be compared."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from msgspec import structs

from chaos.explain import shortened
from driver.compare.core import Group, Sample
from driver.compare.curves import Curves, curves
from driver.errors import UsageError
from driver.files import FileReadError, read_file
from driver.histories.run_timeline import run_timeline
from driver.metrics import measure
from driver.metrics.by_client import by_client
from driver.results.group_file import GROUP, label, read_group
from driver.results.judged_run import stored_history
from driver.results.run_folder import (
    MAX_BYTES,
    METRICS,
    PLAN,
    RUN,
    RunRecord,
    read_record,
    read_verdict,
    results_root,
)
from driver.typed_json import decode_json
from wire.errors import DECODE_ERRORS

SUMMARY = "summary.json"
MAX_RUNS = 1000
ALIKE_S = 2.0
"""Loads that end so much earlier than others are alike."""


class _Entry(msgspec.Struct):
    run: str = ""


class _Plan(msgspec.Struct):
    variables: dict[str, Any] = {}


class _Suite(msgspec.Struct):
    results: list[_Entry]


def find_folder(name: str) -> Path:
    """Return the folder of a run, a group or a suite: a path, or a name in results/. Raises UsageError."""
    for folder in (Path(name), results_root() / name):
        if os.path.isdir(folder):
            return folder.resolve()
    raise UsageError(
        f"There is no run and no folder of runs {shortened(repr(name))}.",
        "Name a folder, or one of those in results/.",
    )


def runs_under(folder: Path) -> list[Path]:
    """Return the runs of a folder: itself, those a suite lists, or those below it. Raises UsageError."""
    if is_run(folder):
        return [folder]
    found = _of_suite(folder) if (folder / SUMMARY).is_file() else _below(folder)
    if not found:
        raise UsageError(f"{folder} holds no run (no {RUN} in it or below it).")
    if len(found) > MAX_RUNS:
        raise UsageError(f"{folder} holds {len(found)} runs; at most {MAX_RUNS} can be compared at once.")
    return found


def cells_under(folder: Path) -> dict[str, list[Path]]:
    """Return the cells of a matrix's folder by label, each with its runs; empty for a single one."""
    group = read_group(folder) if (folder / GROUP).is_file() else None
    cells: dict[str, list[Path]] = {}
    for run in group.runs if group else []:
        if run.folder and (folder / run.folder / RUN).is_file():
            cells.setdefault(run.label, []).append(folder / run.folder)
    return cells if len(cells) > 1 else {}


def read_sample(folder: Path) -> Sample:
    """Return one run's figures; `missing` names what could not be read."""
    record, missing = read_record(folder)
    history, _, _ = stored_history(folder, record)
    values: dict[str, float | None] = {}
    clients: dict[str, dict[str, float]] = {}
    if history.count:
        values, clients = measure(history).values, by_client(history)
    else:
        values = _stored_metrics(folder)
        missing.append("it has no history, so there are no figures of its workers")
    missing += [
        f"{one.journal}: {one.lines} lines are {one.what}" for one in history.damage if one.what != "torn"
    ]
    verdict = read_verdict(folder)
    return Sample(
        name=folder.name,
        scenario=record.scenario,
        duration_s=record.duration_s,
        clients=len(record.clients),
        verdict=verdict.verdict if verdict else "",
        because=verdict.because if verdict else "it was never judged",
        values=values,
        by_client=clients,
        missing=missing,
        settings=_settings(record),
        variables=_variables(folder),
        early_s=history.view(run_timeline).early_s,
    )


def read_curves(folder: Path) -> Curves | None:
    """Return a run's reconnect storm; None where there is nothing to show."""
    record, _ = read_record(folder)
    return curves(stored_history(folder, record)[0])


def loads_differ(groups: Mapping[str, Sequence[Sample]]) -> list[str]:
    """Return a note where the load of some runs ended so much earlier than that of others that it matters."""
    early_s = {name: [run.early_s for run in runs] for name, runs in groups.items()}
    every = [one for found in early_s.values() for one in found]
    if not every or max(every) - min(every) <= ALIKE_S:
        return []
    spans = "; ".join(
        f"{name} {min(found):.1f} to {max(found):.1f} s" for name, found in early_s.items() if found
    )
    return [
        f"the load ended before its planned end: {spans} before. The same tasks are measured, but what "
        "is counted of a whole run (messages, bytes, shares of its time) is of more or less load"
    ]


def by_kind(groups: Mapping[str, Sequence[Sample]]) -> tuple[list[list[Group]], list[str]]:
    """Return the groups that can be compared, a list for each scenario and duration, and notes.

    A note names each scenario that is not in every group. Raises UsageError when none is in every group.
    """
    groups = _cells_apart(groups)
    kinds = {name: {(run.scenario, run.duration_s) for run in runs} for name, runs in groups.items()}
    common = set.intersection(*kinds.values()) if kinds else set()
    if not common:
        found_kinds = "; ".join(f"{name} is of {_kinds(found)}" for name, found in kinds.items())
        raise UsageError(
            f"These runs cannot be compared, for no scenario and duration is in all of them: {found_kinds}.",
            "Compare runs of one scenario and one duration (--quick is another one).",
        )
    notes = [
        f"{name} alone has {_kinds(found - common)}, which is not compared"
        for name, found in kinds.items()
        if found - common
    ]
    return [
        [
            Group(name, [run for run in runs if (run.scenario, run.duration_s) == kind])
            for name, runs in groups.items()
        ]
        for kind in sorted(common)
    ], notes


def _cells_apart(groups: Mapping[str, Sequence[Sample]]) -> dict[str, list[Sample]]:
    """Return the groups; where one has several cells of a matrix, each cell becomes a scenario of its own."""
    seen: dict[tuple[str, str, float], set[str]] = {}
    for name, runs in groups.items():
        for run in runs:
            seen.setdefault((name, run.scenario, run.duration_s), set()).add(run.variables)
    mixed = {(scenario, seconds) for (_, scenario, seconds), cells in seen.items() if len(cells) > 1}
    return {
        name: [
            structs.replace(run, scenario=f"{run.scenario} ({run.variables})")
            if (run.scenario, run.duration_s) in mixed
            else run
            for run in runs
        ]
        for name, runs in groups.items()
    }


def _variables(folder: Path) -> str:
    try:
        variables = decode_json(read_file(folder / PLAN, MAX_BYTES), _Plan).variables
    except (FileReadError, *DECODE_ERRORS):
        return ""
    return label(variables)


def _kinds(found: set[tuple[str, float]]) -> str:
    return " and ".join(
        f"{scenario or 'an unknown scenario'} for {seconds:g} s" for scenario, seconds in sorted(found)
    )


def _below(folder: Path) -> list[Path]:
    return sorted(
        path.parent
        for depth in ("*", "*/*", "*/*/*")
        for path in folder.glob(f"{depth}/{RUN}")
        if not path.parent.is_symlink()
    )


def _of_suite(folder: Path) -> list[Path]:
    try:
        suite = decode_json(read_file(folder / SUMMARY, MAX_BYTES), _Suite)
    except (FileReadError, *DECODE_ERRORS) as error:
        raise UsageError(f"{folder / SUMMARY} cannot be read: {error}.") from None
    # Names without a path, and no suite within a suite: this ends for any content of the file.
    names = [entry.run for entry in suite.results if entry.run == Path(entry.run).name]
    kept = [folder.parent / name for name in names if name and name != folder.name]
    return [run for entry in kept if entry.is_dir() for run in ([entry] if is_run(entry) else _below(entry))]


def is_run(folder: Path) -> bool:
    """Return whether a folder is that of one run."""
    return (folder / RUN).is_file()


def _stored_metrics(folder: Path) -> dict[str, float | None]:
    try:
        stored = decode_json(read_file(folder / METRICS, MAX_BYTES), dict[str, object])
    except (FileReadError, *DECODE_ERRORS):
        return {}
    return {
        name: float(value)
        for name, value in stored.items()
        if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e300
    }


def _settings(record: RunRecord) -> dict[str, str]:
    flat = {}
    for section in ("worker", "coordinator"):
        settings = record.settings.get(section)
        if isinstance(settings, dict):
            flat.update({f"{section}.{key}": str(value) for key, value in settings.items()})
    return flat | {f"image {name}": image[-12:] for name, image in record.images.items() if name != "prober"}
