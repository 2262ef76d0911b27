"""What became of every task, from the raw lines."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.second_judge.raw import Line, Raw


@dataclass
class Task:
    """One task: its first submission, the driver's word of it, and what was done with it."""

    task: str
    submitted: Line | None = None
    accepted: Line | None = None
    intended_ns: int = 0
    noticed_ns: int = 0
    assigned: list[Line] = field(default_factory=list)
    lost: list[Line] = field(default_factory=list)
    results: list[Line] = field(default_factory=list)

    @property
    def start_ns(self) -> int:
        """The intended start, or when a driver that was late itself had the task ready."""
        return max(self.intended_ns, self.noticed_ns)

    @property
    def is_promised(self) -> bool:
        return bool(self.submitted or self.accepted)


def tasks(raw: Raw) -> list[Task]:
    """Every task that any line speaks of."""
    starts_ns = [e["at_ns"] for e in raw.of("process_started") if e["by"] == "coordinator"]
    found: dict[str, Task] = {}
    for line in raw.of("submitted", "tasks_accepted", "assigned", "attempt_lost", "task_done"):
        for name in line["tasks"] if line["event"] == "tasks_accepted" else [line["task"]]:
            found.setdefault(name, Task(name))
    for task in found.values():
        submitted = [e for e in raw.of("submitted") if e["task"] == task.task]
        accepted = [e for e in raw.of("tasks_accepted") if task.task in e["tasks"]]
        task.submitted = submitted[0] if submitted else None
        task.accepted = accepted[0] if accepted else None
        if accepted:
            task.intended_ns = accepted[-1]["intended_ns"][accepted[-1]["tasks"].index(task.task)]
            for line in accepted:
                place = line["tasks"].index(task.task)
                task.noticed_ns = (line.get("noticed_ns", [])[place:] or [task.noticed_ns])[0]
        elif submitted:
            task.intended_ns = submitted[-1]["intended_ns"]
        task.assigned = [e for e in raw.of("assigned") if e["task"] == task.task]
        task.lost = [e for e in raw.of("attempt_lost") if e["task"] == task.task]
        task.results = _counted([e for e in raw.of("task_done") if e["task"] == task.task], starts_ns)
    return list(found.values())


def _counted(done: list[Line], starts_ns: list[int]) -> list[Line]:
    """The lines that count a result. A restarted coordinator may write one again, once in each of its lives:
    that is one result.
    """
    counted: list[Line] = []
    for place, line in enumerate(done):
        before_ns = done[place - 1]["at_ns"] if place else 0
        known = any((e["token"], e["outcome"]) == (line["token"], line["outcome"]) for e in counted)
        in_a_new_life = any(before_ns < start_ns <= line["at_ns"] for start_ns in starts_ns)
        if not (known and in_a_new_life):
            counted.append(line)
    return counted
