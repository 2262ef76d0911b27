"""Entries of a timeline: each with its model, and its fault or its children. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from chaos.catalogue import FAULTS, FaultError, make, unknown_fault
from chaos.fault import Fault, Layer
from driver.scenarios.error_collector import ErrorCollector
from driver.scenarios.scenario import EntrySchedule, FaultEntry, ParallelEntry, SequenceEntry
from driver.scenarios.validation import At, read_model
from driver.scenarios.yaml_file import KeyPath


@dataclass
class Entry:
    """One entry: its path in the file, its name, its model, and its fault or its children."""

    path: KeyPath
    name: str
    model: EntrySchedule
    fault: Fault | None = None
    children: list[Entry] = field(default_factory=list)


class EntryReader:
    """Reads the entries of one timeline, and gives each a unique name."""

    def __init__(self, at: At) -> None:
        self._at = at
        self._names: set[str] = set()
        self._numbers: dict[str, int] = {}

    def read(self, timeline: Sequence[Any]) -> list[Entry]:
        """Return every entry. Raises FileError with all errors in them."""
        errors, entries = ErrorCollector(), []
        for place, data in enumerate(timeline):
            with errors.collect():
                entries.append(self._read(data, ("timeline", place), depth=0))
        errors.raise_all()
        return entries

    def _read(self, data: Any, path: KeyPath, depth: int) -> Entry:
        if not isinstance(data, dict) or not {"fault", "sequence", "parallel"} & data.keys():
            raise self._at(
                path, f"expected a mapping with `fault:`, `sequence:` or `parallel:`; found {data!r}"
            )
        if depth > 8:
            raise self._at(path, "entries are nested more than eight deep")
        kind = FaultEntry if "fault" in data else SequenceEntry if "sequence" in data else ParallelEntry
        errors = ErrorCollector()
        if isinstance(data.get("fault"), str) and data["fault"] not in FAULTS:
            errors.add(self._at((*path, "fault"), unknown_fault(data["fault"])))
        model: EntrySchedule | None = read_model(
            kind, data, lambda below, text: self._at((*path, *below), text), errors
        )
        errors.raise_all()
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
                    raise self._at((*child.path, "after"), f"an entry in `{key}` begins by its place")
        return entry

    def _fault(self, model: FaultEntry, path: KeyPath) -> Fault:
        try:
            fault = make(model.fault, model.model_extra or {})
        except FaultError as error:
            key = (error.key,) if error.key else ("fault",)
            raise self._at((*path, *key), error.problem) from None
        if fault.lasting and model.for_s is None:
            raise self._at(path, f"{fault.name} lasts until it is ended: expected `for`, like `for: 10s`")
        if not fault.lasting and model.for_s is not None:
            raise self._at((*path, "for"), f"{fault.name} is instantaneous and takes no `for`")
        if model.when is not None:
            self._check_anchor(model, fault, path)
        return fault

    def _check_anchor(self, model: FaultEntry, fault: Fault, path: KeyPath) -> None:
        assert model.when is not None
        if model.rolling_s is not None:
            raise self._at((*path, "when"), "`rolling` begins one target after another, and takes no `when`")
        if model.when.link is None and fault.layer is Layer.container:
            raise self._at(
                (*path, "when", "link"),
                f"{fault.name} acts on containers: expected `link`, the link on which the anchor counts",
            )

    def _name(self, model: EntrySchedule, path: KeyPath) -> str:
        wanted = model.id or getattr(model, "fault", "") or "block"
        name, number = wanted, self._numbers.get(wanted, 1)
        while name in self._names or name in ("start", "steady"):
            if model.id:
                raise self._at((*path, "id"), f"{model.id!r} is the name of another entry")
            number += 1
            name = f"{wanted}-{number}"
        self._names.add(name)
        self._numbers[wanted] = number
        return name
