"""Quantities: what carries its unit is read and written exactly, and what does not is refused."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaos.units import (
    format_seconds,
    parse_bytes,
    parse_bytes_per_s,
    parse_per_s,
    parse_seconds,
    parse_share,
    unit_of,
    unitless,
)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("200ms", 0.2), ("1.5s", 1.5), ("2m", 120.0), ("1h", 3600.0), ("50us", 5e-5), ("0s", 0.0)],
)
def test_a_duration_is_read_in_seconds(text: str, seconds: float) -> None:
    assert parse_seconds(text) == seconds


BYTES = {"B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
SECONDS = {"us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1, "m": 60, "min": 60, "h": 3600}
UNITS: list[tuple[Callable[[object], float], str, float]] = [
    *((parse_seconds, unit, factor) for unit, factor in SECONDS.items()),
    *((parse_bytes, unit, factor) for unit, factor in BYTES.items()),
    *((parse_bytes_per_s, f"{unit}/s", factor) for unit, factor in BYTES.items()),
    *((parse_per_s, f"/{unit}", 1 / SECONDS[unit]) for unit in ("s", "m", "min", "h")),
]


@pytest.mark.parametrize(("parse", "unit", "factor"), UNITS)
def test_each_unit_counts_as_much_as_it_is(
    parse: Callable[[object], float], unit: str, factor: float
) -> None:
    for number in (0, 1, 3, 250):
        assert parse(f"{number}{unit}") == pytest.approx(number * factor, rel=1e-11)


@pytest.mark.parametrize("value", [200, "200", 1.5, "ms", "-1s", "1 week", True, None, "", "nans"])
def test_a_duration_without_a_unit_or_out_of_range_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="expected a duration with its unit"):
        parse_seconds(value)


def test_a_kilobyte_is_1000_bytes_and_a_kibibyte_1024() -> None:
    assert (parse_bytes("64KB"), parse_bytes("10KiB"), parse_bytes("512B")) == (64_000, 10_240, 512)


def test_rates_are_read_a_second() -> None:
    assert parse_bytes_per_s("64KB/s") == 64_000
    assert parse_per_s("30/m") == 0.5


@pytest.mark.parametrize("value", ["64KB", 64_000, "64/s"])
def test_a_rate_of_bytes_without_its_unit_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="64KB/s"):
        parse_bytes_per_s(value)


@pytest.mark.parametrize(
    ("value", "share"), [("30%", 0.3), ("1e-4", 1e-4), (0.5, 0.5), (1, 1.0), ("100%", 1.0)]
)
def test_a_share_is_read_between_0_and_1(value: object, share: float) -> None:
    assert parse_share(value) == share


@pytest.mark.parametrize("value", ["101%", -0.1, "2", True, "half"])
def test_a_share_out_of_range_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="a share from 0 to 1"):
        parse_share(value)


@given(st.integers(min_value=0, max_value=10**9))
def test_a_duration_that_was_written_is_read_back_exactly(milliseconds: int) -> None:
    assert parse_seconds(format_seconds(milliseconds / 1000)) == milliseconds / 1000


@pytest.mark.parametrize(
    ("field", "key", "unit"),
    [
        ("mean_ms", "mean", "ms"),
        ("rate_bytes_per_s", "rate", "B/s"),
        ("for_s", "for", "s"),
        ("rate_per_byte", "rate", "byte"),
        ("size_bytes", "size", "B"),
        ("targets", "targets", ""),
    ],
)
def test_a_field_loses_its_unit_in_files(field: str, key: str, unit: str) -> None:
    assert (unitless(field), unit_of(field)) == (key, unit)
