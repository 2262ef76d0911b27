"""A simulated run as a history, as the driver reads one from a run's folder. Nothing stops it at a breach."""

from __future__ import annotations

import msgspec

from driver.histories.events import PhaseBegun, PhaseEnded
from driver.histories.history import DRIVER, SERVER, History, JournalRead
from driver.reference.load_events import SubmitGivenUp, TasksAccepted
from tests.simulation.plan import draw_plan
from tests.simulation.world import World
from wire import events
from worker.session import ImpossibleTransitionError

Journals = dict[str, list[events.Event]]
LEFT_OUT = (events.TrafficTotals,)


class Recorder(World):
    """A recorded world: it continues whatever breaks."""

    def __init__(self, seed: int) -> None:
        self.journals: Journals = {SERVER: [], DRIVER: []}
        self._asked_ns: dict[str, int] = {}
        super().__init__(draw_plan(seed))
        self.clock.is_watched = False

    def on_event(self, event: events.Event) -> None:
        """Keep a line."""
        super().on_event(event)
        if isinstance(event, LEFT_OUT):
            return
        lines = self.journals.setdefault(event.by, [])
        if lines and event.at_ns <= lines[-1].at_ns:
            # No real process writes two lines in one nanosecond; in virtual time many have the same instant.
            event = moved(event, lines[-1].at_ns + 1)
        lines.append(event)

    def asked(self, task: str) -> None:
        """The driver submits."""
        self._asked_ns.setdefault(task, self.clock.now_ns)

    def answered(self, task: str) -> None:
        """The driver was answered."""
        if task not in self.accepted:
            took_ms = (self.clock.now_ns - self._asked_ns[task]) / 1e6
            self.write(
                TasksAccepted, tasks=[task], intended_ns=[self._asked_ns[task]], known=0, took_ms=took_ms
            )
        super().answered(task)

    def check(self, steps: int) -> None:
        """Nothing is checked on the way."""

    def check_end(self) -> None:
        """Nothing, at the end either."""

    def give_up(self) -> None:
        """Write which tasks were never answered, as the driver does."""
        if unanswered := sorted(self._asked_ns.keys() - self.accepted):
            self.write(SubmitGivenUp, tasks=unanswered)

    def write(self, kind: type[events.Event], **fields: object) -> None:
        """A line of the driver's."""
        event = kind(at_ns=self.clock.now_ns, wall_s=self.clock.wall_s(), by=DRIVER, **fields)
        self.journals[DRIVER].append(event)


def record(seed: int) -> Journals:
    """The journals of a seed's run. One that a defect ended by an exception was not drained."""
    world = Recorder(seed)
    try:
        world.run()
    except (AssertionError, ImpossibleTransitionError):
        world.give_up()
        return world.journals
    world.give_up()
    world.write(PhaseBegun, phase="drain")
    world.write(PhaseEnded, phase="drain", outcome="done")
    return world.journals


def as_history(journals: Journals) -> History:
    """What the checks read."""
    read = {name: JournalRead.of(name, lines) for name, lines in journals.items() if lines}
    return History(read, clients=[name for name in read if name.startswith("worker-")])


def copied(journals: Journals) -> Journals:
    """The same lines in lists of their own."""
    return {name: list(lines) for name, lines in journals.items()}


def moved(event: events.Event, at_ns: int) -> events.Event:
    """The same line at another instant."""
    return msgspec.structs.replace(event, at_ns=at_ns)
