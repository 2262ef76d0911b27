"""Reads a scenario's file: finds it, applies the command line's overrides, and reports every error in it."""

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
from chaos.targets import client_name
from chaos.units import format_seconds
from driver.errors import UsageError
from driver.loads.templates import VARIABLES
from driver.paths import project_root
from driver.scenarios.error_collector import ErrorCollector, error_at
from driver.scenarios.kinds import ReferenceScenario, kind_of
from driver.scenarios.scalars import ScalarError
from driver.scenarios.scenario import AnyScenario, SystemScenario
from driver.scenarios.sections import check_sections
from driver.scenarios.validation import At, read_model
from driver.scenarios.yaml_file import (
    FileError,
    KeyPath,
    YamlFile,
    dump_yaml,
    parse_yaml,
    read_yaml,
    substitute,
    variables_in,
)

FOLDER = project_root() / "scenarios"
"""In a checkout, or in the installed package."""
WRONG_SYSTEM = {
    SystemScenario: "`{key}` is of the reference system, and this scenario has a `system:` of its own",
    ReferenceScenario: (
        "`{key}` is of a system of your own: give its Compose file with `system:` (or --system)"
    ),
}
"""Why a key of the other system is refused, by the scenario's model."""
MAX_COMBINATIONS = 200
MAX_RUNS = 2_000


@dataclass(frozen=True)
class Overrides:
    """Overrides by the command line. `quick` applies the file's own short form; `controls` turns controls on
    or off, None leaves the file's choice. `system` is how a foreign system is
    started, as a scenario's `system:` says it, with absolute paths.
    """

    clients: int | None = None
    duration_s: float | None = None
    variables: Mapping[str, Any] = field(default_factory=dict)
    quick: bool = False
    controls: bool | None = None
    system: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class ScenarioFile:
    """A scenario that was read: its name, its claim (the first paragraph of its comment) and the comment.

    Paths in it are relative to `folder`.
    """

    name: str
    claim: str
    teaches: str
    scenario: ReferenceScenario | SystemScenario
    file: YamlFile
    quick: bool = False
    folder: Path = Path()

    @property
    def clients(self) -> tuple[str, ...]:
        """The names of the reference system's clients and links; none of a foreign one."""
        return tuple(client_name(number) for number in range(1, self.scenario.clients + 1))

    def error(self, path: KeyPath, text: str, hint: str = "") -> FileError:
        """Return the error at a key of the scenario, with the line that sets the key."""
        return error_at(self.file, self.quick, path, text, hint)


def scenario_paths(folder: Path = FOLDER) -> dict[str, Path]:
    """Return the file of every scenario of the lab, by name."""
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}


def scenarios_under(folder: Path) -> dict[str, Path]:
    """Return the file of every scenario in a folder, by name: its YAML files where it is called `scenarios`,
    else those of each folder of that name in it. Raises UsageError for none, and for two of one name.
    """
    files = (
        folder.glob("*.yaml")
        if folder.resolve().name == FOLDER.name
        else folder.rglob(f"{FOLDER.name}/*.yaml")
    )
    found: dict[str, Path] = {}
    for path in sorted(files):
        if path.stem in found:
            raise UsageError(
                f"{path} and {found[path.stem]} are scenarios of one name.", "Rename one of them."
            )
        found[path.stem] = path
    if not found:
        raise UsageError(
            f"{folder} has no scenarios.",
            f"Scenarios are looked for in {folder / FOLDER.name}/*.yaml and below.",
        )
    return found


def find_scenario(name: str, folder: Path = FOLDER) -> Path:
    """Return the file of a scenario, by name or path. Raises UsageError with the nearest names."""
    known = scenario_paths(folder)
    if name in known:
        return known[name]
    path = Path(name)
    if path.suffix in (".yaml", ".yml") or path.parent != Path("."):
        # os.path.isfile returns False for a name that is too long; Path.is_file raises.
        if os.path.isfile(path):
            return path
        raise UsageError(f"there is no file {shortened(name)}.")
    raise UsageError(f"there is no scenario {shortened(repr(name))}.", nearest(name, known))


def load_scenario(path: Path, overrides: Overrides = Overrides()) -> ScenarioFile:
    """Return the scenario in a file, with overrides applied. Raises FileError with file, line, key path,
    expected and found.
    """
    return from_yaml(read_yaml(path), path.stem, overrides, path.parent)


def parse_scenario(text: str, name: str, overrides: Overrides = Overrides()) -> ScenarioFile:
    """Return the scenario in a text; `name` is the scenario's name. Raises FileError."""
    return from_yaml(parse_yaml(text, f"{name}.yaml"), name, overrides)


def combinations(path: Path, overrides: Overrides = Overrides()) -> list[dict[str, Any]]:
    """Return the matrix's combinations of variables, one mapping for each run; one empty mapping without a
    matrix.
    """
    axes = _axes(load_scenario(path, overrides).scenario.matrix, overrides)
    return [dict(zip(axes, values, strict=True)) for values in itertools.product(*axes.values())]


def _axes(matrix: Mapping[str, list[Any]], overrides: Overrides) -> dict[str, list[Any]]:
    """Return the variables that differ between runs: those of the matrix without an override."""
    return {name: values for name, values in matrix.items() if name not in overrides.variables}


def resolved_yaml(loaded: ScenarioFile) -> str:
    """Return the scenario as YAML, with overrides and variables applied and defaults omitted."""
    comment = "".join(f"# {line}".rstrip() + "\n" for line in loaded.teaches.splitlines())
    applied = {"vars", "quick", "matrix"}
    return (
        comment
        + "\n"
        + dump_yaml(
            loaded.scenario.model_dump(mode="json", by_alias=True, exclude_defaults=True, exclude=applied)
        )
    )


def from_yaml(file: YamlFile, name: str, overrides: Overrides, folder: Path = Path()) -> ScenarioFile:
    """Return the scenario in a parsed file, whose paths are relative to `folder`. Raises FileError with all
    errors in it, UsageError for an override of a variable that the file lacks.
    """
    if not isinstance(file.data, dict):
        text = "expected a mapping with `workers:` or `system:`, `duration:` and so on"
        raise file.error((), text)
    data = _with_variables(_merged(file, overrides), file, overrides)
    errors, at = ErrorCollector(), partial(error_at, file, overrides.quick)
    if not file.comment:
        text = "expected a comment at the top with the scenario's claim"
        errors.add(file.error((), text))
    kind = scenario_kind(data, at, errors)
    scenario = read_model(kind, data, at, errors)
    check_sections(data, at, errors)
    if kind is SystemScenario and isinstance(data.get("workload"), Mapping):
        with errors.collect():
            _check_loads(data["workload"], folder, at)
    errors.raise_all()
    assert scenario is not None
    claim = " ".join(file.comment.split("\n\n")[0].split())
    loaded = ScenarioFile(name, claim, file.comment, scenario, file, overrides.quick, folder)
    _check_runs(loaded, overrides)
    if problem := scenario.excess():
        raise loaded.error(("workload", "rate"), problem)
    return loaded


def _check_runs(loaded: ScenarioFile, overrides: Overrides) -> None:
    """Raise FileError for more combinations or runs than allowed."""
    count = math.prod(len(values) for values in _axes(loaded.scenario.matrix, overrides).values())
    if count > MAX_COMBINATIONS:
        raise loaded.error(("matrix",), f"expected at most {MAX_COMBINATIONS} combinations; found {count}")
    check_runs(loaded, count, loaded.scenario.repeat)


def scenario_kind(
    data: Mapping[str, Any], at: At, errors: ErrorCollector
) -> type[ReferenceScenario] | type[SystemScenario]:
    """Return the model of a scenario by its keys; a key of the other model is an error that says so."""
    kind, other = kind_of("system" in data)
    foreign = keys_of(other) - keys_of(kind)
    for key in data:
        if key in foreign:
            found = at((key,), WRONG_SYSTEM[kind].format(key=key))
            found.unknown = True
            errors.add(found)
    return kind


def keys_of(kind: type[AnyScenario]) -> set[str]:
    """Return the keys of a scenario's model, as files have them."""
    return {info.alias or name for name, info in kind.model_fields.items()}


def _check_loads(workload: Mapping[str, Any], folder: Path, at: At) -> None:
    """Raise the error of `at` for a wrong load, and for one whose program or directory is not there."""
    # Imported here: the clients of loads take longer to load than all else together.
    from driver.loads.catalogue import LoadError, check_loads, read_loads

    try:
        check_loads(read_loads(workload), folder)
    except LoadError as error:
        path = error.path if error.path and error.path[0] in workload else ()
        raise at(("workload", *path), error.problem) from None


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
    if overrides.system is not None:
        data["system"] = dict(overrides.system)
    if overrides.clients is not None:
        data["workers"] = overrides.clients
    if overrides.duration_s is not None:
        data["duration"] = format_seconds(overrides.duration_s)
    if overrides.controls is not None:
        data["controls"] = overrides.controls
    return data


def _over(base: Any, above: Any) -> Any:
    """Return `base` with `above` over it: mappings key by key, everything else replaced."""
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
    # A scenario that is only validated has the first value of each axis.
    values = {**own, **{axis: choices[0] for axis, choices in matrix.items()}}
    for name in overrides.variables:
        if name not in values:
            raise UsageError(f"{file.name} has no variable {name!r}.", nearest(name, values))
    values.update(overrides.variables)
    rest = {key: value for key, value in data.items() if key not in ("vars", "matrix", "quick")}
    errors = ErrorCollector()
    # Each operation of a load fills these in.
    left = {name: f"${{{name}}}" for name in VARIABLES if "system" in data and name not in values}
    for path, name in variables_in(rest):
        if name not in values and not (name in left and path[0] == "workload"):
            errors.add(file.error(path, f"there is no variable {name!r}.", nearest(name, values)))
    errors.raise_all()
    try:
        substituted = substitute(rest, {**values, **left})
    except ScalarError as error:
        raise file.error(("vars",), str(error)) from None
    kept = {key: data[key] for key in ("matrix", "quick") if key in data}
    return {**substituted, **kept, **({"vars": {name: values[name] for name in values}} if values else {})}
