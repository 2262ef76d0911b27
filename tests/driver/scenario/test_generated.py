"""The schema of scenarios: every fault with its parameters, and no reference that leads nowhere."""

from __future__ import annotations

import json

from chaos.catalogue import ALL
from driver.scenarios import scenario_schema


def test_the_schema_has_every_fault_with_its_parameters() -> None:
    entries = {
        one["title"]: one for one in scenario_schema.schema()["$defs"]["Entry"]["anyOf"] if "title" in one
    }
    for kind in ALL:
        entry = entries[kind.name]
        assert {info.alias or name for name, info in kind.model_fields.items()} <= entry["properties"].keys()
        assert ("for" in entry["required"]) is kind.lasting


def test_every_reference_in_the_schema_leads_somewhere() -> None:
    schema = json.loads(scenario_schema.text())

    def look(part: object) -> None:
        if isinstance(part, dict):
            if isinstance(part.get("$ref"), str):
                here: object = schema
                for name in part["$ref"].removeprefix("#/").split("/"):
                    assert isinstance(here, dict)
                    here = here[name]
            for value in part.values():
                look(value)
        elif isinstance(part, list):
            for value in part:
                look(value)

    look(schema)
