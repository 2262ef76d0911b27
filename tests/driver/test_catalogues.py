"""The catalogues hold what every module of their packages declares, also one that the catalogue excepts."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

import pytest

from driver.advice.catalogue import ADVISERS as ADVISERS_OF_SYSTEMS
from driver.checks import CHECKS
from driver.metrics.catalogue import FAMILIES
from driver.reference.advice.catalogue import ADVISERS


@pytest.mark.parametrize(
    ("package", "name", "held"),
    [
        ("driver.checks", "CHECK", list(CHECKS.values())),
        ("driver.reference.checks", "CHECK", list(CHECKS.values())),
        ("driver.metrics", "FAMILY", list(FAMILIES)),
        ("driver.reference.metrics", "FAMILY", list(FAMILIES)),
        ("driver.reference.advice", "ADVISER", list(ADVISERS)),
        ("driver.advice", "ADVISER", list(ADVISERS_OF_SYSTEMS)),
    ],
)
def test_a_catalogue_leaves_no_declaration_out(package: str, name: str, held: list[object]) -> None:
    names = [info.name for info in iter_modules(import_module(package).__path__)]
    modules = [import_module(f"{package}.{each}") for each in names]
    left_out = [
        module.__name__ for module in modules if name in vars(module) and vars(module)[name] not in held
    ]
    assert not left_out
