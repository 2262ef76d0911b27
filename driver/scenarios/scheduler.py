"""Schedules a scenario's faults: times and targets, every draw by the seed. Pure."""

from __future__ import annotations

import hashlib
import random

from chaos.explain import nearest
from chaos.fault import Fault
from chaos.targets import TargetError
from chaos.units import format_seconds
from driver.scenarios.conflicts import TICK_S, Conflict, first_conflict
from driver.scenarios.entries import Entry, EntryReader
from driver.scenarios.error_collector import ErrorCollector
from driver.scenarios.plan import PlannedAnchor, PlannedFault, check_one_door
from driver.scenarios.scenario import FaultEntry, Range, SequenceEntry
from driver.scenarios.scenario_file import ScenarioFile
from driver.scenarios.target_selector import TargetSelector
from driver.scenarios.yaml_file import KeyPath

MAX_FAULTS = 20_000
MAX_STARTS = 100_000
"""Begins of entries, all repetitions included, also those without targets."""
MAX_HITS = 2_000_000
"""Faults × their targets."""


def derived_seed(seed: int, *names: str) -> int:
    """Return a seed below 2³² derived from the run's seed and the names."""
    return int.from_bytes(hashlib.sha256("/".join((str(seed), *names)).encode()).digest()[:4], "big")


class Scheduler:
    """Reads the timeline of one scenario, and gives each entry its times and its targets of `targets`."""

    def __init__(self, loaded: ScenarioFile, seed: int, targets: TargetSelector) -> None:
        self._loaded = loaded
        self._targets = targets
        self._seed = seed
        self._last_s = loaded.scenario.duration_s - loaded.scenario.cooldown_s
        self._ends = {"start": 0.0, "steady": loaded.scenario.warmup_s}
        self._paths: dict[str, KeyPath] = {}
        self._turns = 0
        self._hits = 0

    def schedule(self) -> list[PlannedFault]:
        """Return every fault, in the order of time. Raises FileError with all errors of the timeline."""
        planned: list[PlannedFault] = []
        errors = ErrorCollector()
        for entry in EntryReader(self._loaded.error).read(self._loaded.scenario.timeline):
            with errors.collect():
                planned += self._first(entry)
        errors.raise_all()
        planned.sort(key=lambda fault: (fault.at_s, fault.id))
        if found := first_conflict(planned):
            raise self._conflict_error(found)
        return planned

    # -- times of entries ------------------------------

    def _first(self, entry: Entry) -> list[PlannedFault]:
        """Return all faults of a top-level entry, which counts from the end of its `after`."""
        after = entry.model.after
        if after not in self._ends:
            raise self._loaded.error(
                (*entry.path, "after"),
                f"expected start, steady or the id of an entry above; found {after!r}.",
                nearest(after, self._ends),
            )
        # Set first: entries after one with an error are checked too.
        self._ends[entry.name] = self._ends[after]
        faults = self._repeated(entry, self._ends[after], "")
        self._check_length(faults)
        self._ends[entry.name] = max((fault.end_s for fault in faults), default=self._ends[after])
        return faults

    def _repeated(self, entry: Entry, base_s: float, turn: str) -> list[PlannedFault]:
        """Return all faults of an entry from `base_s`; `turn` numbers the enclosing repetitions."""
        model = entry.model
        if model.every_s is None:
            return self._once(entry, base_s + self._drawn(model.at_s, entry.name, turn, "at"), turn)
        faults = []
        # One more than allowed, so that an excess is refused and not silently dropped.
        for number in range(model.repeat or MAX_FAULTS + 1):
            inner = f"{turn}-{number + 1}"
            begin_s = base_s + number * model.every_s + self._drawn(model.at_s, entry.name, inner, "at")
            more = self._once(entry, begin_s, inner)
            if (
                model.repeat is None
                and number
                and max((fault.end_s for fault in more), default=begin_s) > self._last_s + TICK_S
            ):
                break
            faults += more
        return faults

    def _once(self, entry: Entry, begin_s: float, turn: str) -> list[PlannedFault]:
        self._turns += 1
        if self._turns > MAX_STARTS:
            raise self._loaded.error(entry.path, f"the timeline's entries begin more than {MAX_STARTS} times")
        if isinstance(entry.model, FaultEntry):
            return self._fault_entry(entry, entry.model, begin_s, turn)
        faults: list[PlannedFault] = []
        for child in entry.children:
            more = self._repeated(child, begin_s, turn)
            faults += more
            if isinstance(entry.model, SequenceEntry):
                begin_s = max((fault.end_s for fault in more), default=begin_s)
        return faults

    def _fault_entry(self, entry: Entry, model: FaultEntry, begin_s: float, turn: str) -> list[PlannedFault]:
        fault = entry.fault
        assert fault is not None
        try:
            targets = self._targets.select(
                fault, model.targets, f"{entry.name}{turn}", allow_empty=model.allow_empty
            )
        except TargetError as error:
            raise self._loaded.error((*entry.path, "targets"), str(error)) from None
        self._check_begin(entry, begin_s)
        for_s = None if model.for_s is None else self._drawn(model.for_s, entry.name, turn, "for")
        if for_s is not None and for_s <= 0:
            raise self._loaded.error((*entry.path, "for"), "expected more than 0s")
        if model.rolling_s is None:
            when = self._anchor(entry, model, targets, turn)
            return self._parts(entry, fault, targets, begin_s, for_s, turn, when) if targets else []
        faults: list[PlannedFault] = []
        for place in range(0, len(targets), model.batch):
            some = targets[place : place + model.batch]
            faults += self._parts(entry, fault, some, begin_s, for_s, f"{turn}-{place // model.batch + 1}")
            begin_s += (for_s or 0.0) + model.rolling_s
        return faults

    def _parts(
        self,
        entry: Entry,
        fault: Fault,
        targets: tuple[str, ...],
        begin_s: float,
        for_s: float | None,
        turn: str,
        when: PlannedAnchor | None = None,
    ) -> list[PlannedFault]:
        parts = fault.expand(for_s)
        if when is not None and len(parts) > 1:
            raise self._loaded.error(
                (*entry.path, "when"), f"{fault.name} comes in several parts, and takes no `when`"
            )
        planned = []
        for number, part in enumerate(parts, 1):
            name = f"{entry.name}{turn}" + (f"-{number}" if len(parts) > 1 else "")
            self._paths[name] = entry.path
            planned.append(
                PlannedFault(
                    id=name,
                    entry=entry.name,
                    fault=part.fault.name,
                    params=part.fault.params(),
                    targets=targets,
                    at_s=round(begin_s + part.at_s, 6),
                    for_s=None if part.for_s is None else round(part.for_s, 6),
                    seed=derived_seed(self._seed, "fault", name),
                    when=when,
                )
            )
        if len(self._paths) > MAX_FAULTS:
            raise self._loaded.error(entry.path, f"the timeline holds more than {MAX_FAULTS} faults")
        self._hits += len(parts) * len(targets)
        if self._hits > MAX_HITS:
            raise self._loaded.error(entry.path, f"the timeline's faults hit more than {MAX_HITS} targets")
        return planned

    def _anchor(
        self, entry: Entry, model: FaultEntry, targets: tuple[str, ...], turn: str
    ) -> PlannedAnchor | None:
        """Return the anchor of an entry with its links; None without one, or without targets."""
        if model.when is None or not targets:
            return None
        links = targets
        if model.when.link is not None:
            try:
                links = self._targets.links(model.when.link, f"{entry.name}{turn}/when")
                check_one_door(links)
            except TargetError as error:
                raise self._loaded.error((*entry.path, "when", "link"), str(error)) from None
        return PlannedAnchor(links=links, point=model.when.point, within_s=model.when.within_s)

    def _drawn(self, between: Range, *names: str) -> float:
        begin, end = between
        # Rounded to milliseconds, for a readable plan.
        return (
            begin
            if begin == end
            else round(random.Random("/".join((str(self._seed), *names))).uniform(begin, end), 3)
        )

    # -- checks ------------------------------

    def _check_begin(self, entry: Entry, begin_s: float) -> None:
        warmup_s = self._loaded.scenario.warmup_s
        if begin_s < warmup_s - TICK_S:
            raise self._loaded.error(
                (*entry.path, "at"),
                f"{entry.name} would begin at {format_seconds(begin_s)}, before the steady state "
                f"({format_seconds(warmup_s)})",
                "Give it a later `at`, or the scenario a shorter `warmup`.",
            )

    def _check_length(self, faults: list[PlannedFault]) -> None:
        for fault in faults:
            if fault.end_s > self._last_s + TICK_S:
                scenario = self._loaded.scenario
                bound = f"the run lasts {format_seconds(scenario.duration_s)}"
                if scenario.cooldown_s:
                    bound += f", and no fault may be in its last {format_seconds(scenario.cooldown_s)}"
                late = "" if fault.when is None else ", where its anchor comes as late as `within` allows"
                shorter = "a shorter `for`" if fault.when is None else "a shorter `for` or `within`"
                raise self._loaded.error(
                    (*self._paths[fault.id], "at" if fault.for_s is None else "for"),
                    f"{fault.id} would end at {format_seconds(round(fault.end_s, 3))}{late}, and {bound}",
                    f"Give it {shorter}, an earlier `at`, or the run a longer `duration`.",
                )

    def _conflict_error(self, found: Conflict) -> Exception:
        one, other = found.one, found.other
        return self._loaded.error(
            self._paths[other.id],
            f"{other.id} (from {format_seconds(other.at_s)} to {format_seconds(round(other.end_s, 6))}) "
            f"conflicts with {one.id} "
            f"(from {format_seconds(one.at_s)} to {format_seconds(round(one.end_s, 6))}) on {found.target}: "
            f"{found.why}",
        )
