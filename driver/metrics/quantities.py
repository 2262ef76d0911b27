"""Numbers with units: `5s`, `250 ms`, `95%`, `64 KiB`, `20/s`. Pure."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from dataclasses import dataclass

from chaos.units import BYTES, PER_S, SECONDS, split_quantity
from driver.metrics.metric import Unit

_BYTES = {**BYTES, "bytes": 1.0}
SCALES: dict[Unit, dict[str, float]] = {
    Unit.seconds: SECONDS,
    Unit.bytes: _BYTES,
    Unit.ratio: {"": 1.0, "%": 0.01},
    Unit.factor: {"": 1.0, "x": 1.0, "%": 0.01},
    Unit.count: {"": 1.0},
    Unit.cores: {"": 1.0, "cores": 1.0, "%": 0.01},
    Unit.per_second: {"": 1.0, **PER_S},
    Unit.bytes_per_second: {f"{name}/s": scale for name, scale in _BYTES.items()},
}
OPERATORS: dict[str, Callable[[float, float], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "==": operator.eq,
    "<": operator.lt,
    ">": operator.gt,
}
_EXAMPLES = {
    Unit.seconds: "5s or 250ms",
    Unit.bytes: "64KiB",
    Unit.bytes_per_second: "1MB/s",
    Unit.ratio: "95%",
}


@dataclass(frozen=True)
class Quantity:
    """A number and its unit as written ("" without one)."""

    number: float
    unit: str

    def to(self, unit: Unit, *, named: bool = False) -> float:
        """Return the number in `unit`. `named`: the metric's name has the unit, so the number needs none.

        Raises ValueError with a sentence.
        """
        scales = SCALES[unit]
        if named and self.unit == "":
            return self.number
        if self.unit in scales:
            # Twelve digits: 95 × 0.01 is slightly above 0.95, which 19 of 20 workers would not reach.
            return float(f"{self.number * scales[self.unit]:.12g}")
        example = _EXAMPLES.get(unit)
        hint = f", as in {example}" if example else ""
        if self.unit == "":
            raise ValueError(f"{self.number:g} needs a unit{hint}")
        units = ", ".join(name for name in scales if name) or "no unit"
        raise ValueError(f"{self.unit!r} is no unit here; expected {units}{hint}")


def parse_quantity(text: str) -> Quantity:
    """Return a number with its unit. Raises ValueError with a sentence."""
    parts = split_quantity(text)
    if parts is None:
        raise ValueError(f"expected a number with its unit, like 5s or 95%; found {text.strip()!r}")
    if not math.isfinite(parts[0]):
        raise ValueError(f"expected a finite number; found {text.strip()!r}")
    return Quantity(*parts)


def unit_of_quantity(quantity: Quantity) -> Unit:
    """Return the first unit that a quantity can have; of a bare number a count. Raises ValueError."""
    for unit in (Unit.count, Unit.seconds, Unit.bytes, Unit.ratio, *SCALES):
        if quantity.unit in SCALES[unit]:
            return unit
    names = dict.fromkeys(name for scales in SCALES.values() for name in scales if name)
    raise ValueError(f"{quantity.unit!r} is no unit; expected {', '.join(names)}, or none")


def margin_of(measured: float, sign: str, bound: float) -> float:
    """Return the distance of a value from its bound, negative where `measured sign bound` does not hold."""
    if sign == "==":
        return -abs(measured - bound)
    return bound - measured if sign in ("<", "<=") else measured - bound


def parse_seconds(text: str) -> float:
    """Return a duration in seconds, above zero. Raises ValueError with a sentence."""
    seconds = parse_quantity(text).to(Unit.seconds)
    if seconds <= 0:
        raise ValueError(f"a span of time must be above zero; found {text.strip()!r}")
    return seconds


def write(value: float | None, unit: Unit) -> str:
    """Return a value as text, in a unit of its magnitude."""
    if value is None:
        return "unknown"
    if unit is Unit.seconds:
        return _seconds(value)
    if unit is Unit.ratio:
        return f"{value * 100:.4g} %"
    if unit in (Unit.bytes, Unit.bytes_per_second):
        return _bytes(value) + ("/s" if unit is Unit.bytes_per_second else "")
    number = (
        f"{value:,.0f}"
        if float(value).is_integer()
        else f"{value:,.3g}"
        if abs(value) < 1000
        else f"{value:,.1f}"
    )
    return number + {Unit.per_second: "/s", Unit.cores: " cores", Unit.factor: " ×"}.get(unit, "")


def _seconds(value: float) -> str:
    if value == 0:
        return "0 s"
    for name, scale, below in (("µs", 1e-6, 1e-3), ("ms", 1e-3, 1.0), ("s", 1.0, 600.0)):
        if abs(value) < below:
            return f"{value / scale:.3g} {name}"
    return f"{value / 60:.3g} min"


def _bytes(value: float) -> str:
    for name, scale in (("GiB", 2.0**30), ("MiB", 2.0**20), ("KiB", 2.0**10)):
        if abs(value) >= scale:
            return f"{value / scale:.3g} {name}"
    return f"{value:.0f} B"
