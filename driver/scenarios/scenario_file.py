"""From a scenario's file to a Scenario: finds it, applies what the command line overrides, and says exactly
what is wrong in it.
"""

from __future__ import annotations

import itertools
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from chaos.explain import nearest, shortened
from chaos.units import format_seconds
from driver.errors import WrongUseError
from driver.machine.root import project_root
from driver.scenarios.explained import read_model
from driver.scenarios.mistakes import Mistakes, error_at
from driver.scenarios.scalars import ScalarError
from driver.scenarios.scenario import Scenario
from driver.scenarios.sections import look_at_sections
from driver.scenarios.workload import MAX_TASKS, expected_tasks
from driver.scenarios.yaml_file import (
    FileError,
    Path_,
    YamlFile,
    dump_yaml,
    parse_yaml,
    read_yaml,
    substitute,
    variables_in,
)

FOLDER = project_root() / "scenarios"
"""In a checkout, or as an installed lab brings them."""
MAX_COMBINATIONS = 200
MAX_RUNS = 2_000


@dataclass(frozen=True)
class Overrides:
    """What the command line says over the file. `quick` takes the file's own short form."""

    workers: int | None = None
    duration_s: float | None = None
    variables: Mapping[str, Any] = field(default_factory=dict)
    quick: bool = False


@dataclass(frozen=True)
class ScenarioFile:
    """A scenario that was read: its name, its claim (the first paragraph of its comment) and all that the
    comment teaches.
    """

    name: str
    claim: str
    teaches: str
    scenario: Scenario
    file: YamlFile
    quick: bool = False

    def error(self, path: Path_, text: str, hint: str = "") -> FileError:
        """The error that says what is wrong at a key of the scenario, on the line where that key was set."""
        return error_at(self.file, self.quick, path, text, hint)


def scenario_paths(folder: Path = FOLDER) -> dict[str, Path]:
    """Every scenario that comes with the lab, by name."""
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}


def find_scenario(name: str, folder: Path = FOLDER) -> Path:
    """The file of a scenario, by its name or by a path. Raises WrongUseError with the nearest names."""
    known = scenario_paths(folder)
    if name in known:
        return known[name]
    path = Path(name)
    if path.suffix in (".yaml", ".yml") or path.parent != Path("."):
        # Of the standard library's two ways, the one that answers for a name too long for a file.
        if os.path.isfile(path):
            return path
        raise WrongUseError(f"there is no file {shortened(name)}.")
    raise WrongUseError(f"there is no scenario {shortened(repr(name))}.", nearest(name, known))


def load_scenario(path: Path, overrides: Overrides = Overrides()) -> ScenarioFile:
    """The scenario in a file, with overrides applied. Raises FileError (wrong use): file, line, key path,
    expected, found.
    """
    return from_yaml(read_yaml(path), path.stem, overrides)


def parse_scenario(text: str, name: str, overrides: Overrides = Overrides()) -> ScenarioFile:
    """The scenario in a text; `name` is what it is called."""
    return from_yaml(parse_yaml(text, f"{name}.yaml"), name, overrides)


def combinations(path: Path, overrides: Overrides = Overrides()) -> list[dict[str, Any]]:
    """The values of the matrix's variables, one mapping for each run; one empty mapping where there is no
    matrix.
    """
    axes = _axes(load_scenario(path, overrides).scenario.matrix, overrides)
    return [dict(zip(axes, values, strict=True)) for values in itertools.product(*axes.values())]


def _axes(matrix: Mapping[str, list[Any]], overrides: Overrides) -> dict[str, list[Any]]:
    """The variables that differ between runs: those of the matrix that the command line leaves open."""
    return {name: values for name, values in matrix.items() if name not in overrides.variables}


def resolved_yaml(loaded: ScenarioFile) -> str:
    """The scenario as it runs: overrides and variables put in, defaults left out, its comment on top."""
    comment = "".join(f"# {line}".rstrip() + "\n" for line in loaded.teaches.splitlines())
    applied = {"vars", "quick", "matrix"}
    return (
        comment
        + "\n"
        + dump_yaml(
            loaded.scenario.model_dump(mode="json", by_alias=True, exclude_defaults=True, exclude=applied)
        )
    )


def from_yaml(file: YamlFile, name: str, overrides: Overrides) -> ScenarioFile:
    """The scenario in a file that was read already."""
    if not isinstance(file.data, dict):
        raise file.error((), "expected a mapping with `workers:`, `duration:` and so on")
    data = _with_variables(_merged(file, overrides), file, overrides)
    mistakes, at = Mistakes(), partial(error_at, file, overrides.quick)
    if not file.comment:
        text = "expected a comment at the top that says what the scenario claims and teaches"
        mistakes.add(file.error((), text))
    scenario = read_model(Scenario, data, at, mistakes)
    look_at_sections(data, at, mistakes)
    mistakes.raise_all()
    assert scenario is not None
    claim = " ".join(file.comment.split("\n\n")[0].split())
    loaded = ScenarioFile(name, claim, file.comment, scenario, file, overrides.quick)
    _check_runs(loaded, overrides)
    _check_tasks(loaded)
    return loaded


def _check_runs(loaded: ScenarioFile, overrides: Overrides) -> None:
    """That what the file asks for can end: its combinations, and its repeats of them."""
    count = math.prod(len(values) for values in _axes(loaded.scenario.matrix, overrides).values())
    if count > MAX_COMBINATIONS:
        raise loaded.error(("matrix",), f"expected at most {MAX_COMBINATIONS} combinations; found {count}")
    check_runs(loaded, count, loaded.scenario.repeat)


def _check_tasks(loaded: ScenarioFile) -> None:
    load = loaded.scenario.workload
    if load and (count := expected_tasks(load, loaded.scenario.duration_s)) > MAX_TASKS:
        raise loaded.error(
            ("workload", "rate"), f"expected at most {MAX_TASKS} tasks a run; found {count:.0f}"
        )


def check_runs(loaded: ScenarioFile, combinations: int, repeat: int) -> None:
    """Raise FileError for more runs than MAX_RUNS."""
    if combinations * repeat > MAX_RUNS:
        found = f"found {combinations} combinations, {repeat} times each"
        raise loaded.error(("repeat",), f"expected at most {MAX_RUNS} runs; {found}")


def _merged(file: YamlFile, overrides: Overrides) -> dict[str, Any]:
    data: dict[str, Any] = dict(file.data)
    if overrides.quick:
        quick = data.get("quick") or {}
        if not isinstance(quick, dict):
            raise file.error(("quick",), f"expected a mapping; found {quick!r}")
        data = _over(data, quick)
    if overrides.workers is not None:
        data["workers"] = overrides.workers
    if overrides.duration_s is not None:
        data["duration"] = format_seconds(overrides.duration_s)
    return data


def _over(base: Any, above: Any) -> Any:
    """`above` laid over `base`: mappings key by key, everything else replaced."""
    if isinstance(base, dict) and isinstance(above, dict):
        return {**base, **{key: _over(base.get(key), value) for key, value in above.items()}}
    return above


def _with_variables(data: dict[str, Any], file: YamlFile, overrides: Overrides) -> dict[str, Any]:
    own, matrix = data.get("vars") or {}, data.get("matrix") or {}
    for key, value in (("vars", own), ("matrix", matrix)):
        if not isinstance(value, dict):
            raise file.error((key,), f"expected a mapping; found {value!r}")
    for axis, values in matrix.items():
        if not isinstance(values, list) or not values:
            raise file.error(("matrix", axis), f"expected a list of values; found {values!r}")
    # A scenario that is only looked at stands with the first value of each axis.
    values = {**own, **{axis: choices[0] for axis, choices in matrix.items()}}
    for name in overrides.variables:
        if name not in values:
            raise WrongUseError(f"{file.name} has no variable {name!r}.", nearest(name, values))
    values.update(overrides.variables)
    rest = {key: value for key, value in data.items() if key not in ("vars", "matrix", "quick")}
    mistakes = Mistakes()
    for path, name in variables_in(rest):
        if name not in values:
            mistakes.add(file.error(path, f"there is no variable {name!r}.", nearest(name, values)))
    mistakes.raise_all()
    try:
        substituted = substitute(rest, values)
    except ScalarError as error:
        raise file.error(("vars",), str(error)) from None
    kept = {key: data[key] for key in ("matrix", "quick") if key in data}
    return {**substituted, **kept, **({"vars": {name: values[name] for name in values}} if values else {})}
