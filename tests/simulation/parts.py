"""A run of very many seeds, done in parts: each a line in a file, and what they come to together."""

from __future__ import annotations

from pathlib import Path

import msgspec


class Part(msgspec.Struct, frozen=True):
    """`count` seeds from `first`, run in `took_s` by the clock; `code` is the commit, and how it was run."""

    first: int
    count: int
    failing: tuple[int, ...]
    took_s: float
    code: str = ""

    def __str__(self) -> str:
        rate = self.count / self.took_s if self.took_s > 0 else 0.0
        seeds = f"{self.count} seeds from {self.first} in {self.took_s:.1f} s, {rate:.0f} a second"
        return f"{seeds}: {len(self.failing)} failing" + (f" ({self.code})" if self.code else "")


def keep(file: Path, part: Part) -> None:
    """Add a line to `file`."""
    with file.open("ab") as lines:
        lines.write(msgspec.json.encode(part) + b"\n")


def read(file: Path) -> list[Part]:
    """The parts of `file`. Raises OSError, or msgspec.MsgspecError for a line that is none."""
    return [msgspec.json.decode(line, type=Part) for line in file.read_bytes().splitlines()]


def added_up(parts: list[Part]) -> Part:
    """All parts as one. Raises ValueError where seeds are missing or repeated, or the commits differ."""
    parts = sorted((part for part in parts if part.count), key=lambda part: part.first)
    if not parts:
        raise ValueError("there is no part with a seed in it")
    due = parts[0].first
    for part in parts:
        if part.first != due:
            raise ValueError(f"a part begins with seed {part.first}, where {due} was due")
        if part.code != parts[0].code:
            raise ValueError(f"the parts are of different code: {parts[0].code}, and {part.code}")
        due += part.count
    failing = tuple(seed for part in parts for seed in part.failing)
    took_s = round(sum(part.took_s for part in parts), 1)
    return Part(parts[0].first, due - parts[0].first, failing, took_s, parts[0].code)
