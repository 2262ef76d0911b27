"""Generates scenarios/schema.json from models and catalogues, for completion and checks in editors."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from chaos.catalogue import ALL
from chaos.fault import Fault
from driver.scenarios.kinds import SETTINGS, ReferenceScenario
from driver.scenarios.scenario import FaultEntry, ParallelEntry, SequenceEntry, SystemScenario

_VARIABLE = {"$ref": "#/$defs/Variable"}
_ENTRY = {"$ref": "#/$defs/Entry"}


def schema() -> dict[str, Any]:
    """Return the whole schema (JSON Schema 2020-12)."""
    made = ReferenceScenario.model_json_schema(by_alias=True)
    definitions = made.pop("$defs", {})
    properties = made["properties"]
    _add_systems(made, definitions)
    properties["timeline"] = {
        "type": "array",
        "items": _ENTRY,
        "description": properties["timeline"]["description"],
    }
    properties["quick"] = {
        "type": "object",
        "description": properties["quick"]["description"],
        "properties": {
            **{key: {"$ref": f"#/properties/{key}"} for key in properties if key != "quick"},
            "workload": {"$ref": "#/$defs/PartOfWorkload"},
        },
        "additionalProperties": False,
    }
    definitions["PartOfWorkload"] = {
        key: value for key, value in definitions["Workload"].items() if key != "required"
    }
    for key, kind in SETTINGS.items():
        properties[key] = {"description": properties[key]["description"], **_settings(kind)}
    definitions["Variable"] = {"type": "string", "pattern": r"\$\{[A-Za-z_][A-Za-z0-9_]*\}"}
    definitions["FaultEntry"] = FaultEntry.model_json_schema(by_alias=True)
    definitions.update(definitions["FaultEntry"].pop("$defs", {}))
    definitions["Entry"] = {"anyOf": [*(_fault(kind, definitions) for kind in ALL), *_blocks()]}
    whole = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **made,
        "$defs": {
            name: _with_variables(one) for name, one in sorted(definitions.items()) if name != "Variable"
        },
    }
    whole["properties"] = {key: _property(one) for key, one in properties.items()}
    whole["$defs"]["Variable"] = definitions["Variable"]
    return whole


def _add_systems(made: dict[str, Any], definitions: dict[str, Any]) -> None:
    """Add the keys of a scenario of a foreign system, with `system` (or --system) in place of `workers`."""
    own = SystemScenario.model_json_schema(by_alias=True)
    definitions.update(own.pop("$defs", {}))
    properties = made["properties"]
    for key, value in own["properties"].items():
        if key not in properties:
            properties[key] = value
        elif key == "workload":
            loads = {"type": "object", "description": value["description"]}
            properties[key] = {**properties[key], "anyOf": [*properties[key]["anyOf"], loads]}
    # A text is the file alone.
    properties["system"] = {
        "description": properties["system"]["description"],
        "anyOf": [{"type": "string"}, {"$ref": "#/$defs/SystemStart"}],
    }
    made["required"] = [key for key in made["required"] if key != "workers"]


def text() -> str:
    """Return the schema as the file's text."""
    return json.dumps(schema(), indent=1, ensure_ascii=False) + "\n"


def _fault(kind: type[Fault], definitions: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a timeline entry with this fault and its parameters."""
    params = kind.model_json_schema(by_alias=True)
    definitions.update(params.pop("$defs", {}))
    own = params.get("properties", {})
    if "of" in own:
        own["of"] = {"description": own["of"]["description"], "type": ["string", "object"]}
    required = ["fault", "targets", *(["for"] if kind.lasting else []), *params.get("required", [])]
    shared = {
        key: {"$ref": f"#/$defs/FaultEntry/properties/{key}"}
        for key in definitions["FaultEntry"]["properties"]
    }
    properties = {**shared, **own, "fault": {"const": kind.name, "description": kind.summary}}
    if not kind.lasting:
        del properties["for"]
    return {
        "type": "object",
        "title": kind.name,
        "description": kind.visible_effect,
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }


def _blocks() -> list[dict[str, Any]]:
    """Return the schemas of entries with children."""
    blocks = []
    for kind, key in ((SequenceEntry, "sequence"), (ParallelEntry, "parallel")):
        made = kind.model_json_schema(by_alias=True)
        made["properties"][key]["items"] = _ENTRY
        blocks.append(made)
    return blocks


def _settings(kind: type[msgspec.Struct]) -> dict[str, Any]:
    made = msgspec.json.schema(kind)["$defs"][kind.__name__]
    return {key: value for key, value in made.items() if key not in ("title", "required", "description")}


def _with_variables(one: dict[str, Any]) -> dict[str, Any]:
    """Return a schema in which `${name}` is allowed for any plain value."""
    if "anyOf" in one and "type" not in one:
        one = {**one, "anyOf": [_with_variables(choice) for choice in one["anyOf"]]}
    if "properties" not in one:
        return one
    return {**one, "properties": {key: _property(value) for key, value in one["properties"].items()}}


def _property(value: dict[str, Any]) -> dict[str, Any]:
    if "properties" in value:
        return _with_variables(value)
    plain = value.get("type") in ("integer", "number", "string", "boolean") or "enum" in value
    if plain and "const" not in value:
        annotations = {
            key: one for key, one in value.items() if key in ("description", "default", "examples")
        }
        rest = {key: one for key, one in value.items() if key not in annotations}
        return {**annotations, "anyOf": [rest, _VARIABLE]}
    if "anyOf" in value:
        return {**value, "anyOf": [*value["anyOf"], _VARIABLE]}
    return value
