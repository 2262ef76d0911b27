"""Pages and schemas that are made from the catalogues are what the catalogues say now."""

from __future__ import annotations

import json

from chaos.catalogue import ALL
from chaos.faults_page import MEASURED, PAGE, page
from driver.scenarios import scenario_schema, settings_page


def test_the_schema_in_the_repository_is_the_one_that_is_made() -> None:
    assert scenario_schema.FILE.read_text() == scenario_schema.text(), (
        "run: python -m driver.scenarios.scenario_schema"
    )


def test_the_page_about_faults_is_the_one_that_is_made() -> None:
    measured = MEASURED.read_text() if MEASURED.is_file() else ""
    assert PAGE.read_text() == page(measured), "run: python -m chaos.faults_page"


def test_the_page_about_settings_is_the_one_that_is_made() -> None:
    assert settings_page.PAGE.read_text() == settings_page.page(), (
        "run: python -m driver.scenarios.settings_page"
    )


def test_the_schema_knows_every_fault_with_its_parameters() -> None:
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
