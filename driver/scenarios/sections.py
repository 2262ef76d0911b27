"""Checks sections that the scenario's model leaves open: settings, expectations, entries. Pure.

Each is checked by itself, so that an error in one hides none in another.
"""

from __future__ import annotations

from typing import Any

import msgspec

from chaos.explain import nearest, shown
from driver.claims import Names
from driver.metrics.signals import SIGNALS
from driver.scenarios.abort_when import parse_abort
from driver.scenarios.entries import EntryReader
from driver.scenarios.error_collector import ErrorCollector
from driver.scenarios.kinds import SETTINGS, parse_signal_rule
from driver.scenarios.thresholds import AnchoredThreshold, also_named, parse_expectations
from driver.scenarios.validation import At
from driver.scenarios.yaml_file import FileError


def check_sections(data: dict[str, Any], at: At, errors: ErrorCollector) -> None:
    """Add each error in the sections to `errors`. A section of a wrong type is left to the model."""
    for section, kind in SETTINGS.items():
        settings = None if "system" in data else data.get(section)
        for key, value in settings.items() if isinstance(settings, dict) else ():
            _setting(section, kind, key, value, at, errors)
    on_system, timeline = "system" in data, data.get("timeline")
    names = names_of(data)
    for name in names.observations:
        if other := also_named(name):
            what = f"is also the name of the {'signal' if other in SIGNALS else 'metric'} {other}"
            errors.add(at(("observe", name), f"{name!r} {what}: choose another"))
    for key in ("expect", "checks"):
        for place, entry in enumerate(_list(data, key)):
            try:
                (parsed,) = parse_expectations([entry], names, on_system=on_system)
            except ValueError as error:
                errors.add(at((key, place), str(error)))
            else:
                if isinstance(parsed, AnchoredThreshold) and parsed.anchor != "start" and not timeline:
                    text = f"there is no {parsed.anchor}: the timeline has no fault"
                    errors.add(at((key, place), text))
    if on_system and data.get("workload") is not None:
        _check_loads(data["workload"], at, errors)
    for place, entry in enumerate(_list(data, "abort_when")):
        try:
            _ = parse_abort(str(entry), names.observations) if on_system else parse_signal_rule(str(entry))
        except ValueError as error:
            errors.add(at(("abort_when", place), str(error)))
    with errors.collect():
        EntryReader(at).read(_list(data, "timeline"))


def _check_loads(workload: object, at: At, errors: ErrorCollector) -> None:
    # Imported here: the clients of loads take longer to load than all else together.
    from driver.loads.catalogue import LoadError, read_loads

    try:
        read_loads(workload)
    except LoadError as error:
        errors.add(at(("workload", *error.path), error.problem))


def names_of(data: dict[str, Any]) -> Names:
    """Return the names of a scenario's loads, observations and faults.

    The `workload` of the reference system is no load of operations.
    """
    workload, observe = data.get("workload"), data.get("observe")
    loads: list[str] = []
    if "system" in data and isinstance(workload, dict):
        is_named = workload and all(isinstance(one, dict) for one in workload.values())
        loads = list(map(str, workload)) if is_named else ["load"]
    faults: dict[str, None] = {}
    _add_faults(data.get("timeline"), faults)
    return Names(loads, dict.fromkeys(map(str, observe)) if isinstance(observe, dict) else {}, list(faults))


def _add_faults(entries: Any, faults: dict[str, None]) -> None:
    """Add the ids and kinds of the faults of a timeline, also in sequences and in parallel."""
    for entry in entries if isinstance(entries, list) else ():
        if not isinstance(entry, dict):
            continue
        faults.update((str(entry[key]), None) for key in ("id", "fault") if key in entry)
        for key in ("sequence", "parallel"):
            _add_faults(entry.get(key), faults)


def _list(data: dict[str, Any], key: str) -> list[Any]:
    value = data.get(key)
    return value if isinstance(value, list) else []


def _setting(
    section: str, kind: type[msgspec.Struct], key: str, value: Any, at: At, errors: ErrorCollector
) -> None:
    known = kind.__struct_fields__
    if key not in known:
        owner = next((other for other, fields in SETTINGS.items() if key in fields.__struct_fields__), "")
        hint = f"It is a setting of `{owner}:`." if owner else nearest(key, known)
        found = at((section, key), f"{section} has no setting {key!r}. {hint}")
        found.unknown = True
        errors.add(found)
        return
    try:
        msgspec.convert({key: value}, kind)
    except msgspec.ValidationError as error:
        errors.add(_wrong_value(section, kind, key, value, str(error), at))


def _wrong_value(
    section: str, kind: type[msgspec.Struct], key: str, value: Any, error: str, at: At
) -> FileError:
    choices = _choices(kind, key)
    if choices and isinstance(value, str):
        text = f"expected one of {', '.join(choices)}; found {value!r}. {nearest(value, choices)}"
        return at((section, key), text)
    expected = error.split(" - at")[0].replace("`", "")
    return at((section, key), f"{expected[0].lower()}{expected[1:]}; found {shown(value)}")


def _choices(kind: type[msgspec.Struct], key: str) -> list[str]:
    """Return the allowed texts of a setting; none where any is allowed."""
    field = msgspec.json.schema(kind)["$defs"][kind.__name__]["properties"][key]
    return [str(one) for one in field.get("enum", [])]
