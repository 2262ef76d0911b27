"""Alterations of a history after its run. Each changes the journals in place; False where nothing fits.

None says what the verdict should be: both judges decide. An alteration is a function and a line in
ALTERATIONS.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from msgspec.structs import replace

from driver.histories.history import DRIVER, SERVER
from driver.reference.load_events import TasksAccepted
from tests.outside_judge.edits import (
    add,
    drop,
    drop_one,
    insert,
    last_ns,
    newest_token,
    one_line,
    places_of,
    pop,
)
from tests.outside_judge.recording import Journals, moved
from wire.events import ProcessStarted
from wire.task_events import (
    Assigned,
    AttemptAbandoned,
    CheckpointCommitted,
    Finished,
    ResultAcknowledged,
    ResultRefused,
    TaskDone,
    TaskSubmitted,
)

Alter = Callable[[Journals, Random], bool]
_S = 1_000_000_000


def result_forgotten(journals: Journals, chance: Random) -> bool:
    """A result that counted is missing."""
    done = one_line(journals, TaskDone, chance)
    if done is None:
        return False
    drop(journals[SERVER], lambda event: isinstance(event, TaskDone) and event.task == done.task)
    return True


def lost_without_a_trace(journals: Journals, chance: Random) -> bool:
    """A task has no end: no result counted, and no result was acknowledged."""
    done = one_line(journals, TaskDone, chance)
    if done is None:
        return False
    kinds = (TaskDone, ResultAcknowledged)
    for lines in journals.values():
        drop(lines, lambda event: isinstance(event, kinds) and event.task == done.task)
    return True


def acknowledged_and_given_again(journals: Journals, chance: Random) -> bool:
    """An acknowledged result is forgotten; its task is given out again, and the second result counts."""
    done = one_line(journals, TaskDone, chance)
    if done is None or done.outcome != "completed":
        return False
    lines, token = journals[SERVER], newest_token(journals) + 1
    drop(lines, lambda event: isinstance(event, TaskDone) and event.task == done.task)
    at_ns = last_ns(journals)
    add(
        journals,
        Assigned(
            at_ns=at_ns + 1, wall_s=0, by=SERVER, task=done.task, token=token, worker="worker-1",
            attempt=9,
        ),
        Finished(at_ns=at_ns + 2, wall_s=0, by="worker-1", task=done.task, token=token, error="", took_ms=0),
        replace(done, at_ns=at_ns + 3, token=token, worker="worker-1"),
    )  # fmt: skip
    return True


def counted_again(journals: Journals, chance: Random) -> bool:
    """The same result counts again, in the same life."""
    done = one_line(journals, TaskDone, chance)
    if done is not None:
        add(journals, moved(done, last_ns(journals) + 1))
    return done is not None


def second_attempt_counted_too(journals: Journals, chance: Random) -> bool:
    """A result of another attempt counts beside the first."""
    done = one_line(journals, TaskDone, chance)
    if done is not None:
        token = newest_token(journals) + 1
        add(journals, replace(done, at_ns=last_ns(journals) + 1, token=token))
    return done is not None


def stale_token_counts(journals: Journals, chance: Random) -> bool:
    """The result that counts is of an attempt before the newest."""
    lines = journals[SERVER]
    older = {event.task: event for event in lines if isinstance(event, AttemptAbandoned)}
    for index in places_of(lines, TaskDone, chance):
        done = lines[index]
        assert isinstance(done, TaskDone)
        before = older.get(done.task)
        if before is not None and before.token < done.token:
            lines[index] = replace(done, token=before.token)
            return True
    return False


def given_to_another_before_it_counts(journals: Journals, chance: Random) -> bool:
    """A newer token is given out while the result is on its way, and the result counts all the same."""
    done = one_line(journals, TaskDone, chance)
    if done is None:
        return False
    lines = journals[SERVER]
    at = lines.index(done)
    given = Assigned(
        at_ns=done.at_ns, wall_s=0, by=SERVER, task=done.task, token=newest_token(journals) + 1,
        worker="worker-1", attempt=9,
    )  # fmt: skip
    lines.insert(at, given)
    for later in range(at + 1, len(lines)):
        lines[later] = moved(lines[later], max(lines[later].at_ns, lines[later - 1].at_ns + 1))
    return True


def result_of_nobodys_task(journals: Journals, chance: Random) -> bool:
    """A result counts of a task that was never submitted."""
    done = one_line(journals, TaskDone, chance)
    if done is not None:
        add(journals, replace(done, at_ns=last_ns(journals) + 1, task="nobodys"))
    return done is not None


def stale_checkpoint_kept(journals: Journals, chance: Random) -> bool:
    """A checkpoint is kept after its task was reassigned."""
    kept = one_line(journals, CheckpointCommitted, chance)
    given = [event for event in journals[SERVER] if isinstance(event, Assigned)]
    newer = [event for event in given if kept and event.task == kept.task and event.token > kept.token]
    if kept is None or not newer:
        return False
    insert(journals[SERVER], moved(kept, newer[0].at_ns + 1))
    return True


def tokens_swapped(journals: Journals, chance: Random) -> bool:
    """Two attempts of one task have each other's tokens, so that they do not grow."""
    lines = journals[SERVER]
    first: dict[str, int] = {}
    for index in places_of(lines, Assigned, chance):
        event = lines[index]
        assert isinstance(event, Assigned)
        other = lines[first.setdefault(event.task, index)]
        assert isinstance(other, Assigned)
        if other is not event:
            lines[first[event.task]], lines[index] = (
                replace(other, token=event.token),
                replace(event, token=other.token),
            )
            return True
    return False


def lines_changed_places(journals: Journals, chance: Random) -> bool:
    """Two lines about one task, one after the other, change places."""
    lines = journals[SERVER]
    kinds = (Assigned, TaskDone, CheckpointCommitted, ResultRefused, AttemptAbandoned)
    last: dict[str, int] = {}
    pairs = []
    for index, event in enumerate(lines):
        if isinstance(event, kinds):
            if event.task in last:
                pairs.append((last[event.task], index))
            last[event.task] = index
    if not pairs:
        return False
    one, other = chance.choice(pairs)
    lines[one], lines[other] = (
        moved(lines[other], lines[one].at_ns),
        moved(lines[one], lines[other].at_ns),
    )
    return True


def line_lost(journals: Journals, chance: Random) -> bool:
    """One of the coordinator's lines is not there."""
    lines = journals[SERVER]
    kinds = (TaskSubmitted, Assigned, TaskDone, CheckpointCommitted, ResultRefused, AttemptAbandoned)
    places = [index for index, event in enumerate(lines) if isinstance(event, kinds)]
    if places:
        del lines[chance.choice(places)]
    return bool(places)


def line_repeated(journals: Journals, chance: Random) -> bool:
    """One of the coordinator's lines is repeated somewhat later."""
    lines = journals[SERVER]
    kinds = (TaskSubmitted, Assigned, TaskDone, CheckpointCommitted, ResultRefused, AttemptAbandoned)
    places = [index for index, event in enumerate(lines) if isinstance(event, kinds)]
    if places:
        event = lines[chance.choice(places)]
        insert(lines, moved(event, event.at_ns + chance.randrange(1, 2 * _S)))
    return bool(places)


def cut_short(journals: Journals, chance: Random) -> bool:
    """The history ends in the midst of it, and was not drained."""
    until_ns = chance.randrange(1, last_ns(journals))
    for name, lines in journals.items():
        journals[name] = [event for event in lines if event.at_ns <= until_ns]
    return True


def acknowledgement_lost(journals: Journals, chance: Random) -> bool:
    """A worker never received the acknowledgement of its result."""
    return drop_one(journals, ResultAcknowledged, chance)


def answer_lost(journals: Journals, chance: Random) -> bool:
    """The driver never received the answer to a submission."""
    return pop(journals[DRIVER], places_of(journals[DRIVER], TasksAccepted, chance), chance)


def written_again_after_a_restart(journals: Journals, chance: Random) -> bool:
    """A new life of the coordinator writes a result again."""
    done, start = one_line(journals, TaskDone, chance), one_line(journals, ProcessStarted, chance)
    if done is None or start is None:
        return False
    at_ns = last_ns(journals)
    add(journals, moved(start, at_ns + 1), moved(done, at_ns + 2))
    return True


def refused_again(journals: Journals, chance: Random) -> bool:
    """A result that counted comes again, and is refused."""
    done = one_line(journals, TaskDone, chance)
    if done is not None:
        refused = ResultRefused(
            at_ns=last_ns(journals) + 1, wall_s=0, by=SERVER, task=done.task, token=done.token,
            worker=done.worker, because="duplicate",
        )  # fmt: skip
        add(journals, refused)
    return done is not None


ALTERATIONS: dict[str, Alter] = {
    alter.__name__: alter
    for alter in (
        result_forgotten,
        lost_without_a_trace,
        acknowledged_and_given_again,
        counted_again,
        second_attempt_counted_too,
        stale_token_counts,
        given_to_another_before_it_counts,
        result_of_nobodys_task,
        stale_checkpoint_kept,
        tokens_swapped,
        lines_changed_places,
        line_lost,
        line_repeated,
        cut_short,
        acknowledgement_lost,
        answer_lost,
        written_again_after_a_restart,
        refused_again,
    )
}
