"""Do the claims about registers and queues and Porcupine agree? Both judge the same generated histories."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

from driver.checks.finding import Status
from driver.claims import judge_claim, parse_claim
from driver.claims.catalogue import RAISED
from driver.claims.operations import reads_and_writes
from driver.histories.history import History
from tests.outside_judge.agreement import Tally
from tests.outside_judge.checker import judge
from tests.outside_judge.system_histories import drawn
from tests.outside_judge.system_operations import QUEUES, REGISTER, lines, of_queue, of_register

BATCH = 100


def compare(image: str, first: int, count: int) -> Tally:
    """Ask both about some seeds."""
    cases = [each for what, kind, past in drawn(count, first) for each in _cases(what, kind, past.history())]
    tally = Tally()
    answers = judge(image, (one.text for one in cases))
    for one, answer in zip(cases, answers, strict=True):
        claim = parse_claim(one.sentence)
        assert claim is not None
        ours = judge_claim(claim, one.history)
        is_broken, theirs = ours.status is Status.failed, answer.verdict == "broken"
        tally.said[one.kind, is_broken, theirs] += 1
        tally.operations += answer.operations
        if is_broken != theirs or answer.verdict == "undecided" or RAISED in ours.because:
            outside = f"{answer.verdict} {answer.task}".strip()
            tally.differing.append(f"{one.kind}: ours: {ours.status} {ours.because}; Porcupine: {outside}")
    return tally


@dataclass(frozen=True)
class SystemCase:
    """One history with the sentence that is judged, and its operations as lines."""

    kind: str
    sentence: str
    text: bytes
    history: History


def _cases(what: str, kind: str, history: History) -> Iterable[SystemCase]:
    if what == REGISTER:
        if reads_and_writes(history, "kv")[1]:
            return
        text = lines(kind, REGISTER, of_register(history, "kv"))
        yield SystemCase(f"register: {kind}", "register kv linearizable", text, history)
        return
    for how in QUEUES:
        text = lines(kind, how, of_queue(history, "jobs"))
        yield SystemCase(f"queue {how}: {kind}", f"queue jobs {how}", text, history)


def agree_on_systems(image: str, seeds: int, jobs: int) -> Tally:
    """Compare `seeds` histories on `jobs` cores; of a queue each is judged for three claims."""
    tally = Tally()
    firsts = range(0, seeds, BATCH)
    counts = [min(BATCH, seeds - first) for first in firsts]
    with ProcessPoolExecutor(jobs) as pool:
        for part in pool.map(compare, [image] * len(counts), firsts, counts):
            tally.add(part)
    return tally
