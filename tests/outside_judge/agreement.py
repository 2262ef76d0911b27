"""Do our checks and Porcupine agree? Both are asked about thousands of histories, broken ones among them."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import msgspec

from tests.mutants.apply import load
from tests.mutants.sandbox import sandbox
from tests.outside_judge.checker import CheckerError, judge
from tests.outside_judge.gather import AS_IT_WAS, Case, cases

BATCH = 25
GATHER_S = 900
ALTERED = 4
"""How many alterations of each seed's history are tried beside it."""
DEFECTS = (
    "ack_before_commit",
    "running_sent_as_result",
    "given_before_durable",
    "store_not_replayed",
    "result_dropped_on_reconnect",
    "done_tasks_forgotten_at_restart",
    "tokens_restart_at_one",
    "token_not_compared",
    "stale_attempt_adopted",
    "drain_drops_work",
    "result_counted_twice",
    "frames_not_verified",
)
"""Those of tests/mutants that lose or double work, and some whose harm is stopped before it counts."""


@dataclass
class Tally:
    """Counts of both verdicts by kind of history, and the disagreements as sentences."""

    said: Counter[tuple[str, bool, bool]] = field(default_factory=Counter)
    differing: list[str] = field(default_factory=list)
    operations: int = 0

    def add(self, other: Tally) -> None:
        """Both together."""
        self.said.update(other.said)
        self.differing += other.differing
        self.operations += other.operations

    @property
    def histories(self) -> int:
        """How many there were."""
        return sum(self.said.values())

    def count(self, kind: str, *, ours: bool, theirs: bool) -> int:
        """How many histories of a kind were broken by our judgement and by theirs."""
        return self.said[kind, ours, theirs]

    def kinds(self) -> list[str]:
        """Every kind, as it was first, then alterations, then defects."""
        names = {kind for kind, _, _ in self.said}
        return sorted(names, key=lambda kind: (kind != AS_IT_WAS, kind.startswith("defect"), kind))


def compare(image: str, histories: Sequence[Case]) -> Tally:
    """Ask both about each."""
    tally = Tally()
    answers = judge(image, (each.text.encode() for each in histories))
    for each, answer in zip(histories, answers, strict=True):
        if answer.history != each.name:
            raise CheckerError(f"asked about {each.name!r}, answered about {answer.history!r}")
        ours, theirs = bool(each.ours), answer.verdict == "broken"
        tally.said[each.kind, ours, theirs] += 1
        tally.operations += answer.operations
        if ours != theirs or answer.verdict == "undecided":
            said = f"{answer.verdict} {answer.task}".strip()
            tally.differing.append(f"{each.name}: ours: {each.ours or 'nothing'}; Porcupine: {said}")
    return tally


def of_seeds(image: str, seeds: range) -> Tally:
    """The histories of these seeds, as they were and altered."""
    return compare(image, [each for seed in seeds for each in cases(seed, ALTERED)])


def of_defect(image: str, seeds: int, name: str) -> Tally:
    """The histories that the code with a defect makes. Raises CheckerError where it does not run."""
    with sandbox(load(name)) as root:
        command = [sys.executable, "-m", "tests.outside_judge.gather", "--first", "0", "--seeds", str(seeds)]
        done = subprocess.run(command, cwd=root, capture_output=True, timeout=GATHER_S, check=False)
    if done.returncode:
        raise CheckerError(f"the code with {name} does not run:\n{done.stderr.decode()[-2000:]}")
    tree, _, found_lines = done.stdout.partition(b"\n")
    if not Path(tree.decode()).is_relative_to(root):
        raise CheckerError(f"the simulation ran {tree.decode()} and not the copy in {root}")
    found = msgspec.json.Decoder(Case).decode_lines(found_lines)
    return compare(image, [msgspec.structs.replace(each, kind=f"defect {name}") for each in found])


def agree(image: str, seeds: int, defects: Iterable[str], defect_seeds: int, jobs: int) -> Tally:
    """Compare all histories on `jobs` cores, with a line of progress every 20 parts."""
    batches = [range(at, min(at + BATCH, seeds)) for at in range(0, seeds, BATCH)]
    parts: list[Callable[[], Tally]] = [
        *(partial(of_defect, image, defect_seeds, name) for name in defects),
        *(partial(of_seeds, image, batch) for batch in batches),
    ]
    tally = Tally()
    with ProcessPoolExecutor(jobs) as pool:
        for number, future in enumerate([pool.submit(part) for part in parts], 1):
            tally.add(future.result())
            if number % 20 == 0 or number == len(parts):
                print(f"{tally.histories} histories, {len(tally.differing)} differing", flush=True)
    return tally
