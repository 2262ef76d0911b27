"""Types of fields whose values carry a unit in files: such a field reads `200ms` and writes it back.

Apart from units.py, since commands that read no scenario do without pydantic: its import takes 0.1 s.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

from chaos.units import (
    format_seconds,
    parse_bytes,
    parse_bytes_per_s,
    parse_per_s,
    parse_seconds,
    parse_share,
)


def _milliseconds(value: object) -> float:
    return float(f"{parse_seconds(value) * 1000:.12g}")


_DURATION = r"^[0-9.]+(e[+-]?[0-9]+)?\s*(us|µs|ms|s|m|min|h)$"
Seconds = Annotated[
    float,
    BeforeValidator(parse_seconds),
    PlainSerializer(format_seconds, return_type=str),
    WithJsonSchema({"type": "string", "pattern": _DURATION, "examples": ["10s", "500ms", "2m"]}),
]
Milliseconds = Annotated[
    float,
    BeforeValidator(_milliseconds),
    PlainSerializer(lambda value: f"{value:.12g}ms", return_type=str),
    WithJsonSchema({"type": "string", "pattern": _DURATION, "examples": ["200ms", "1.5s"]}),
]
SizeBytes = Annotated[
    int,
    BeforeValidator(parse_bytes),
    PlainSerializer(lambda value: f"{value}B", return_type=str),
    WithJsonSchema(
        {"type": "string", "pattern": r"^[0-9.]+\s*([KMG]i?)?B$", "examples": ["512B", "64KB", "10KiB"]}
    ),
]
BytesPerSecond = Annotated[
    int,
    BeforeValidator(parse_bytes_per_s),
    PlainSerializer(lambda value: f"{value}B/s", return_type=str),
    WithJsonSchema(
        {"type": "string", "pattern": r"^[0-9.]+\s*([KMG]i?)?B/s$", "examples": ["64KB/s", "1MB/s"]}
    ),
]
PerSecond = Annotated[
    float,
    BeforeValidator(parse_per_s),
    PlainSerializer(lambda value: f"{value:.12g}/s", return_type=str),
    WithJsonSchema({"type": "string", "pattern": r"^[0-9.]+\s*/(s|m|min|h)$", "examples": ["20/s", "30/m"]}),
]
Share = Annotated[
    float,
    BeforeValidator(parse_share),
    WithJsonSchema(
        {
            "anyOf": [{"type": "number", "minimum": 0, "maximum": 1}, {"type": "string"}],
            "examples": [0.05, "5%", "1e-4"],
        }
    ),
]
