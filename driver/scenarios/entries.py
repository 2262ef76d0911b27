"""The entries of a timeline as they are read: each with its model, its fault or its children. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from chaos.catalogue import FAULTS, FaultError, make, unknown_fault
from chaos.fault import Fault
from driver.scenarios.explained import At, read_model
from driver.scenarios.mistakes import Mistakes
from driver.scenarios.scenario import FaultEntry, Moment, ParallelEntry, SequenceEntry
from driver.scenarios.yaml_file import Path_


@dataclass
class Entry:
    """One entry as it was read: where it stands, its model, its fault or its children."""

    path: Path_
    name: str
    model: Moment
    fault: Fault | None = None
    children: list[Entry] = field(default_factory=list)


class EntryReader:
    """Reads the entries of one timeline, and gives each a name that no other has."""

    def __init__(self, at: At) -> None:
        self._at = at
        self._names: set[str] = set()
        self._numbers: dict[str, int] = {}

    def read(self, timeline: Sequence[Any]) -> list[Entry]:
        """Every entry. Raises FileError with all mistakes in them."""
        mistakes, entries = Mistakes(), []
        for place, data in enumerate(timeline):
            with mistakes.collect():
                entries.append(self._read(data, ("timeline", place), depth=0))
        mistakes.raise_all()
        return entries

    def _read(self, data: Any, path: Path_, depth: int) -> Entry:
        if not isinstance(data, dict) or not {"fault", "sequence", "parallel"} & data.keys():
            raise self._at(
                path, f"expected a mapping with `fault:`, `sequence:` or `parallel:`; found {data!r}"
            )
        if depth > 8:
            raise self._at(path, "entries are nested more than eight deep")
        kind = FaultEntry if "fault" in data else SequenceEntry if "sequence" in data else ParallelEntry
        mistakes = Mistakes()
        if isinstance(data.get("fault"), str) and data["fault"] not in FAULTS:
            mistakes.add(self._at((*path, "fault"), unknown_fault(data["fault"])))
        model: Moment | None = read_model(
            kind, data, lambda below, text: self._at((*path, *below), text), mistakes
        )
        mistakes.raise_all()
        assert model is not None
        entry = Entry(path, self._name(model, path), model)
        if model.repeat is not None and model.every_s is None:
            raise self._at((*path, "repeat"), "`repeat` needs `every`")
        if isinstance(model, FaultEntry):
            entry.fault = self._fault(model, path)
        elif isinstance(model, SequenceEntry | ParallelEntry):
            key = "sequence" if isinstance(model, SequenceEntry) else "parallel"
            children = model.sequence if isinstance(model, SequenceEntry) else model.parallel
            entry.children = [
                self._read(child, (*path, key, place), depth + 1) for place, child in enumerate(children)
            ]
            for child in entry.children:
                if child.model.after != "start":
                    raise self._at(
                        (*child.path, "after"), f"the place in `{key}` says already when it begins"
                    )
        return entry

    def _fault(self, model: FaultEntry, path: Path_) -> Fault:
        try:
            fault = make(model.fault, model.model_extra or {})
        except FaultError as error:
            key = (error.key,) if error.key else ("fault",)
            raise self._at((*path, *key), error.problem) from None
        if fault.lasting and model.for_s is None:
            raise self._at(path, f"{fault.name} goes on until it is ended: expected `for`, like `for: 10s`")
        if not fault.lasting and model.for_s is not None:
            raise self._at((*path, "for"), f"{fault.name} is over in an instant and takes no `for`")
        return fault

    def _name(self, model: Moment, path: Path_) -> str:
        wanted = model.id or getattr(model, "fault", "") or "block"
        name, number = wanted, self._numbers.get(wanted, 1)
        while name in self._names or name in ("start", "steady"):
            if model.id:
                raise self._at((*path, "id"), f"{model.id!r} is the name of something else already")
            number += 1
            name = f"{wanted}-{number}"
        self._names.add(name)
        self._numbers[wanted] = number
        return name
