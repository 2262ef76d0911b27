"""Targets of a fault: selections as written in a scenario, resolved to names by the seed.

    all · 30% · random 3 · first 3 · worker-4 · 3,7-9 · east (a group) · coordinator · toxiproxy
    [worker-1, 5-7, east]       a list is all of them together
    [[1-5], [6-10]]             a partition: the coordinator is on the first side, or where it is named

Every random draw has its own generator, so that one more fault in a timeline leaves the targets of others
unchanged.
"""

from __future__ import annotations

import math
import random
import re
from collections.abc import Mapping, Sequence
from typing import Any

from chaos.explain import nearest, shortened

SERVER = "coordinator"
CLIENT = "worker"
"""Services of the reference lab: one server, and clients with a number each."""
TOXIPROXY = "toxiproxy"
CORE = (SERVER, TOXIPROXY)
_RANGE = re.compile(r"(?:worker-)?(\d{1,9})(?:\s*-\s*(?:worker-)?(\d{1,9}))?", re.ASCII)
_SHARE = re.compile(r"(?:random\s+)?(\d+(?:\.\d+)?)\s*%")
_DRAWN = re.compile(r"(random|first)\s+(\d{1,9})", re.ASCII)
_MAX_DEPTH = 8

Selection = Any
"""The value of `targets:`: text, a number, a list of those, or a partition (a list of lists)."""


def has_own_journal(container: str) -> bool:
    """Return whether a container writes a journal: of the reference lab, coordinator and workers do."""
    return container == SERVER or re.fullmatch(rf"{CLIENT}-\d+", container) is not None


def client_name(number: int) -> str:
    """Return the name of client number `number` (1, 2, …) of the reference lab, and of its link."""
    assert number > 0
    return f"{CLIENT}-{number}"


def client_number(name: str) -> int:
    """Return the number in a client's name: `worker-7` → 7. Raises ValueError for any other name."""
    match = re.fullmatch(rf"{CLIENT}-([1-9]\d{{0,8}})", name, re.ASCII)
    if match is None:
        raise ValueError(f"expected a name like {CLIENT}-7; found {name!r}")
    return int(match[1])


class TargetError(ValueError):
    """A selection without a target, or with one that does not exist."""


def share_of(share: float, total: int) -> int:
    """Return a share in percent of a total, half up: 30 % of 20 is 6 and 50 % of 5 is 3, whatever the binary
    fraction says.
    """
    return math.floor(share * total / 100 + 0.5 + 1e-9)


def drawn(names: Sequence[str], count: int, seed: int, draw: str) -> list[str]:
    """Return `count` of the names. Each draw has its own generator: one more fault in a timeline leaves the
    targets of others unchanged.
    """
    return random.Random(f"{seed}/{draw}").sample(names, count)


class Fleet:
    """The workers of one run, `worker-1` to `worker-N`, its named groups, and the seed of every draw."""

    def __init__(self, clients: int, seed: int, groups: Mapping[str, Selection] | None = None) -> None:
        self.clients = tuple(client_name(number) for number in range(1, clients + 1))
        self._seed = seed
        self._groups = dict(groups or {})

    def select(self, selection: Selection, draw: str, *, allow_empty: bool = False) -> tuple[str, ...]:
        """Return the targets of a selection, each once, in the fleet's order.

        Args:
            draw: the name of the random draw; equal names draw equal targets.

        Raises TargetError where the selection has no target (unless `allow_empty`) or one that does not
        exist.
        """
        chosen = self._resolve(selection, draw, 0)
        found = tuple(name for name in (*self.clients, *CORE) if name in chosen)
        if not found and not allow_empty:
            raise TargetError(
                f"expected at least one target; {_shown(selection)} names none of {len(self.clients)} "
                "workers "
                "(`allow_empty: true` allows that)"
            )
        return found

    def _resolve(self, selection: Selection, draw: str, depth: int) -> set[str]:
        if depth > _MAX_DEPTH:
            raise TargetError(f"groups name each other in a circle: {_shown(selection)}")
        if isinstance(selection, list) and selection and all(isinstance(side, list) for side in selection):
            return self._apart(selection, draw, depth)
        if isinstance(selection, list):
            return set().union(
                *(self._resolve(item, f"{draw}/{place}", depth + 1) for place, item in enumerate(selection))
            )
        if isinstance(selection, int) and not isinstance(selection, bool):
            return self._named(str(selection), selection)
        if isinstance(selection, str):
            return self._told(selection.strip(), draw, depth)
        raise TargetError(f"expected a selection like all, 30%, random 3 or 3,7-9; found {_shown(selection)}")

    def _told(self, text: str, draw: str, depth: int) -> set[str]:
        if text == "all":
            return set(self.clients)
        if text in CORE:
            return {text}
        if text in self._groups:
            return self._resolve(self._groups[text], f"{draw}/{text}", depth + 1)
        if match := _SHARE.fullmatch(text):
            share = float(match[1])
            if share > 100:
                raise TargetError(f"expected at most 100 %; found {text!r}")
            return self._drawn(share_of(share, len(self.clients)), text, draw)
        if match := _DRAWN.fullmatch(text):
            count = int(match[2])
            self._check_count(count, text)
            return set(self.clients[:count]) if match[1] == "first" else self._drawn(count, text, draw)
        parts = [part.strip() for part in text.split(",")]
        if len(parts) > 1:
            return set().union(*(self._resolve(part, f"{draw}/{part}", depth + 1) for part in parts))
        return self._named(text, text)

    def _named(self, text: str, selection: Selection) -> set[str]:
        match = _RANGE.fullmatch(text)
        if match is None:
            raise TargetError(
                "expected a selection like all, 30%, random 3, 3,7-9, worker-4 or coordinator; found "
                f"{_shown(selection)}. "
                f"{nearest(text, ('all', *CORE, *self._groups))}"
            )
        first, last = int(match[1]), int(match[2] or match[1])
        if first < 1 or last < first:
            raise TargetError(f"expected a range like 3-7; found {_shown(selection)}")
        if last > len(self.clients):
            raise TargetError(
                f"{_shown(selection)} names worker-{last}; there are {len(self.clients)} workers"
            )
        return set(self.clients[first - 1 : last])

    def _drawn(self, count: int, text: str, draw: str) -> set[str]:
        self._check_count(count, text)
        return set(drawn(self.clients, count, self._seed, draw))

    def _check_count(self, count: int, text: str) -> None:
        if count > len(self.clients):
            raise TargetError(f"{text!r} asks for {count} workers; there are {len(self.clients)}")

    def _apart(self, sides: Sequence[Selection], draw: str, depth: int) -> set[str]:
        if len(sides) < 2:
            raise TargetError(
                f"expected at least two sides of a partition, like [[1-5], [6-10]]; found {_shown(sides)}"
            )
        resolved = [self._resolve(side, f"{draw}/{place}", depth + 1) for place, side in enumerate(sides)]
        with_server = [side for side in resolved if SERVER in side] or resolved[:1]
        # A worker on several sides reaches all of them, so one that shares a side with the coordinator is not
        # cut off.
        return set().union(*resolved) - set().union(*with_server) - set(CORE)


def _shown(selection: Selection) -> str:
    return shortened(repr(selection), 200)
