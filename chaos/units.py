"""Quantities as written in files and options: `200ms`, `64KB/s`, `10KiB`, `1e-4`, `30%`, `20/s`. A number
without its unit is refused.

In files and on the command line a value carries its unit; in the code the field's name does (`mean_ms`).
`unitless` turns one into the other, so that `mean: 200ms` in a file is `mean_ms=200.0` here.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

from chaos.explain import shown

_QUANTITY = re.compile(r"\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*(\S*)\s*")
_SUFFIXES = ("_bytes_per_s", "_per_byte", "_per_s", "_bytes", "_ms", "_s")

SECONDS = {"us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0, "m": 60.0, "h": 3600.0}
BYTES = {"B": 1.0, "KB": 1e3, "MB": 1e6, "GB": 1e9, "KiB": 1024.0, "MiB": 1024.0**2, "GiB": 1024.0**3}
BYTES_PER_S = {f"{unit}/s": factor for unit, factor in BYTES.items()}
PER_S = {"/s": 1.0, "/m": 1 / 60, "/min": 1 / 60, "/h": 1 / 3600}


def split_quantity(text: str) -> tuple[float, str] | None:
    """Return the number and the unit of a text ("" without one), or None."""
    match = _QUANTITY.fullmatch(text)
    return None if match is None else (float(match[1]), match[2])


def parse_seconds(value: object) -> float:
    """Return the seconds of a duration like `200ms`, `1.5s`, `2m`, `1h`. Raises ValueError."""
    return _parse(value, SECONDS, "a duration with its unit, like 200ms, 10s or 2m")


def parse_bytes(value: object) -> int:
    """Return the bytes of a size like `4096B`, `64KB` (1000) or `10KiB` (1024). Raises ValueError."""
    return round(_parse(value, BYTES, "a size with its unit, like 512B, 64KB or 10KiB"))


def parse_bytes_per_s(value: object) -> int:
    """Return the bytes a second of a rate like `64KB/s`. Raises ValueError."""
    return round(_parse(value, BYTES_PER_S, "a rate with its unit, like 64KB/s or 1MB/s"))


def parse_per_s(value: object) -> float:
    """Return the events a second of a rate like `20/s` or `30/m`. Raises ValueError."""
    return _parse(value, PER_S, "a rate with its unit, like 20/s or 30/m")


def parse_share(value: object) -> float:
    """Return a share from 0 to 1, written `0.3`, `1e-4` or `30%`. Raises ValueError."""
    expected = "a share from 0 to 1, like 0.05, 1e-4 or 5%"
    parts = split_quantity(_text(value, expected))
    if parts is None or parts[1] not in ("", "%"):
        raise ValueError(f"expected {expected}; found {shown(value)}")
    share = parts[0] / (100.0 if parts[1] else 1.0)
    if not 0.0 <= share <= 1.0:
        raise ValueError(f"expected {expected}; found {shown(value)}, which is out of range")
    return share


def format_seconds(seconds: float) -> str:
    """Return `200ms` for 0.2 and `90s` for 90.0; parse_seconds reads back the same value."""
    if seconds and abs(seconds) < 1.0:
        return f"{seconds * 1000:.12g}ms"
    return f"{seconds:.12g}s"


def unitless(field: str) -> str:
    """Return the name of a field as in files: `mean_ms` → `mean`, `rate_bytes_per_s` → `rate`."""
    for suffix in _SUFFIXES:
        if field.endswith(suffix) and field != suffix.lstrip("_"):
            return field.removesuffix(suffix)
    return field


def unit_of(field: str) -> str:
    """Return the unit at the end of a field's name: `mean_ms` → `ms`; "" where it has none."""
    return (
        field.removeprefix(unitless(field))
        .lstrip("_")
        .replace("_per_", "/")
        .replace("bytes", "B")
        .removeprefix("per_")
    )


def _parse(value: object, units: Mapping[str, float], expected: str) -> float:
    parts = split_quantity(_text(value, expected))
    if parts is None or parts[1] not in units:
        missing = parts is not None and not parts[1]
        found = f"{value!r}, which has no unit" if missing else shown(value)
        raise ValueError(f"expected {expected}; found {found}")
    number = parts[0] * units[parts[1]]
    if number < 0 or not math.isfinite(number):
        raise ValueError(f"expected {expected}; found {shown(value)}, which is out of range")
    # 1.1 × 60 and the like should read as they were written; no quantity here needs more than twelve digits.
    return float(f"{number:.12g}")


def _text(value: object, expected: str) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError(f"expected {expected}; found {shown(value)}")
    return str(value)
