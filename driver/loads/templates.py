"""Texts of a load with `${key}` and `${n}` in them, which each operation fills in. Pure.

A text that is one variable takes the value's type: `${n}` is a number in a JSON body.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AfterValidator

from chaos.explain import shown
from driver.histories.system_events import KEY_CHARS

VARIABLES = ("key", "n")
"""`${key}` is an operation's key, `${n}` its number, from 1."""
_VARIABLE = re.compile(r"\$\{([^}]*)\}")


@dataclass(frozen=True)
class Subject:
    """What one operation is about."""

    key: str
    n: int


def known(value: Any) -> Any:
    """Return a template whose variables are all known. Raises ValueError."""
    for name in (found for text in _texts(value) for found in _VARIABLE.findall(text)):
        if name not in VARIABLES:
            known = " and ".join(f"${{{one}}}" for one in VARIABLES)
            raise ValueError(f"expected {known} alone; found {shown('${' + name + '}')}")
    return value


TextTemplate = Annotated[str, AfterValidator(known)]
DataTemplate = Annotated[Any, AfterValidator(known)]


def fill(template: Any, subject: Subject) -> Any:
    """Return a template with the variables of one operation."""
    if isinstance(template, dict):
        return {fill_text(key, subject): fill(value, subject) for key, value in template.items()}
    if isinstance(template, list):
        return [fill(one, subject) for one in template]
    if not isinstance(template, str):
        return template
    whole = _VARIABLE.fullmatch(template)
    return getattr(subject, whole[1]) if whole else fill_text(template, subject)


def fill_text(template: str, subject: Subject) -> str:
    """Return a text with the variables of one operation."""
    return _VARIABLE.sub(lambda found: str(getattr(subject, found[1])), template)


def key_source(seed: int, load: str, keys: int, draw: random.Random) -> Callable[[int], str]:
    """Return a function from an operation's number to its key.

    With `keys` of 0 no two operations of a run have one key, and no two loads; the seed fixes them. Else
    there are that many keys, `key-1` and so on, the same for all loads.
    """
    if keys:
        return lambda _: f"key-{draw.randint(1, keys)}"
    first = f"{random.Random(f'{seed}/key').getrandbits(24):06x}-{load}"[: KEY_CHARS // 2]
    return lambda number: f"{first}-{number}"


def _texts(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for pair in value.items() for part in pair for text in _texts(part)]
    if isinstance(value, list | tuple):
        return [text for one in value for text in _texts(one)]
    return [value] if isinstance(value, str) else []
