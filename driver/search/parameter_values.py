"""Values of a fault's parameters: drawn around its example within its bounds, and made simpler. Pure."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from typing import Any, get_args

from pydantic.fields import FieldInfo

from chaos.catalogue import FAULTS, FaultError, choices, make
from chaos.fault import Fault, Layer
from chaos.units import SECONDS, split_quantity

WIDEST = 8.0
"""A number is drawn between its example's divided by this and multiplied by it."""
SHARED_OUT = 0.3
"""Share of draws in which an optional parameter is left out."""


def example_params(fault: str) -> dict[str, Any]:
    """Return the parameters of a fault's example, as in a scenario."""
    pairs = (part.split(":", 1) for part in FAULTS[fault].example.split(",") if ":" in part)
    return {name.strip(): _plain(text.strip()) for name, text in pairs}


def draw_params(chance: random.Random, fault: str, most_s: float) -> dict[str, Any]:
    """Return drawn parameters of a fault, each valid, without those that equal their defaults.

    No duration is longer than `most_s`: a grace of a minute would be all that a short run shows.
    """
    kind, example = FAULTS[fault], example_params(fault)
    drawn: dict[str, Any] = {}
    for field, info in kind.model_fields.items():
        name = info.alias or field
        is_left_out = not info.is_required() and chance.random() < SHARED_OUT
        if is_left_out and not _is_longer(example.get(name), most_s):
            continue
        value = _draw(chance, kind, name, info, example.get(name))
        value = f"{most_s:g}s" if _is_longer(value, most_s) else value
        if value is not None and takes(fault, {**example, **drawn, name: value}):
            drawn[name] = value
        elif info.is_required():
            drawn[name] = example[name]
    return valid_params(fault, drawn) or valid_params(fault, example) or {}


def takes(fault: str, params: Mapping[str, Any]) -> bool:
    """Whether a fault takes these parameters."""
    return valid_params(fault, params) is not None


def valid_params(fault: str, params: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return parameters as the fault writes them, without defaults; None where it does not take them."""
    try:
        return make(fault, params).params()
    except FaultError:
        return None


def simpler_params(fault: str, params: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield parameters with one value simpler each: left out, that of the example, or with fewer digits."""
    example = example_params(fault)
    seen = [dict(params)]
    for name, value in params.items():
        rest = {key: one for key, one in params.items() if key != name}
        tried = [rest] if name not in example else [rest, {**params, name: example[name]}]
        tried += [{**params, name: one} for one in _rounder(value)]
        for candidate in tried:
            found = valid_params(fault, candidate)
            if found is not None and found not in seen and _is_simpler(found, params, example):
                seen.append(found)
                yield found


def complexity(params: Mapping[str, Any], example: Mapping[str, Any]) -> int:
    """Return how much there is to read: digits of numbers, and values that are not those of the example."""
    return sum(
        0 if example.get(name) == value else 1 + _digits(value) for name, value in params.items()
    ) + len(params)


def _is_simpler(found: Mapping[str, Any], before: Mapping[str, Any], example: Mapping[str, Any]) -> bool:
    return complexity(found, example) < complexity(before, example)


def _draw(chance: random.Random, kind: type[Fault], name: str, info: FieldInfo, example: Any) -> Any:
    if offered := choices(kind, name):
        return chance.choice(offered)
    if _is_fault(info):
        return chance.choice(_PLAIN)
    base = example if example is not None else None if info.default is None else info.default
    if base is None or isinstance(base, bool):
        return None
    return _around(chance, base)


def _around(chance: random.Random, value: Any) -> Any:
    """Return a number, or a quantity like `200ms`, of the same magnitude, with two digits."""
    factor = WIDEST ** chance.uniform(-1.0, 1.0)
    if isinstance(value, int):
        return max(0, round(value * factor)) if value < 400 else value
    if isinstance(value, float):
        return float(f"{value * factor:.2g}")
    parts = split_quantity(str(value))
    if parts is None:
        return None
    number, unit = parts
    if unit == "%":
        return f"{min(100.0, float(f'{number * factor:.2g}')):g}%"
    return f"{float(f'{number * factor:.2g}'):g}{unit}"


def _is_longer(value: Any, most_s: float) -> bool:
    """Whether a value is a duration of more than `most_s`."""
    parts = split_quantity(str(value))
    return parts is not None and parts[0] * SECONDS.get(parts[1], 0.0) > most_s


def _rounder(value: Any) -> Iterator[Any]:
    parts = split_quantity(str(value)) if not isinstance(value, bool) else None
    if parts is None or not parts[0]:
        return
    number, unit = parts
    rounded = float(f"{number:.1g}")
    if rounded != number:
        whole = int(rounded) if rounded.is_integer() else rounded
        yield whole if isinstance(value, int | float) else f"{whole:g}{unit}"


def _digits(value: Any) -> int:
    parts = split_quantity(str(value))
    return 1 if parts is None else len(f"{parts[0]:g}".replace(".", "").strip("0-e"))


def _plain(text: str) -> Any:
    parts = split_quantity(text)
    if parts is None or parts[1] or "e" in text:
        return text
    return int(parts[0]) if parts[0].is_integer() else parts[0]


def _is_fault(info: FieldInfo) -> bool:
    found = (info.annotation, *get_args(info.annotation))
    return any(isinstance(one, type) and issubclass(one, Fault) for one in found)


_PLAIN: tuple[str, ...] = tuple(
    name
    for name, kind in FAULTS.items()
    if kind.layer is Layer.link
    and kind.lasting
    and not any(i.is_required() for i in kind.model_fields.values())
)
"""Faults of links that last and need no parameter: what a fault that repeats another one takes."""
